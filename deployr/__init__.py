"""DeployR server: R sessions behind the DeployR 7.x/8.0.x and R/ML Server 9.x web APIs."""

__version__ = "0.1.0"
