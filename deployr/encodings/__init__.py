"""R values and their wire forms: the model, QAP1, DeployR's object records, JSON."""
