"""What R Server and Machine Learning Server 9.x have beside DeployR: roles, compute nodes, status."""
