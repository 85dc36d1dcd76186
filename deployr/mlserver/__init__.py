"""What R Server and Machine Learning Server 9.x have beside DeployR: sessions, snapshots, services, batches, status."""
