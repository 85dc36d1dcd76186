"""DeployR's web API below ``/deployr/r``: parameters in, one domain call, the envelope out."""
