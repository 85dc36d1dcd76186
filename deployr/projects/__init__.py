"""Projects, their executions, workspace and directory; stateless and blackbox scripts."""
