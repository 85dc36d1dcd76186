"""Uses azureml-model-management-sdk as its documentation shows it; prints what came of it as JSON.

Arguments: URL, user, password, name of the services, file of a serialized model.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from azureml.deploy import DeployClient
from azureml.deploy.server import MLServer

url, user, password, name, model_file = sys.argv[1:]
client = DeployClient(url, use=MLServer, auth=(user, password))
said = {}


def transmission(hp, wt):
    import math
    from pathlib import Path

    Path("answer.txt").write_text(f"hp {hp:g}")
    print("scoring", hp)
    return 1 / (1 + math.exp(-(factors["b"] + factors["hp"] * hp + factors["wt"] * wt)))


def init():
    import math  # noqa: F401


factors = {"b": 18.8663, "hp": 0.03626, "wt": -8.08348}
service = (
    client.service(name)
    .version("v1")
    .code_fn(transmission, init)
    .models(factors=factors)
    .inputs(hp=float, wt=float)
    .outputs(answer=float)
    .artifact("answer.txt")
    .description("transmission")
    .alias("transmission")
    .deploy()
)
result = service.transmission(120, 2.8)
said["consumed"] = result.output("answer")
said["console"] = result.console_output
said["artifact"] = result.artifact("answer.txt", encoding="utf-8")
said["error"] = result.error

got = client.get_service(name, version="v1")
said["capabilities"] = {key: got.capabilities()[key] for key in ("name", "version", "operation_id", "description")}
said["swagger"] = json.loads(got.swagger())["info"]["title"]
said["again"] = got.transmission(120, 2.8).output("answer")
said["listed"] = [item["version"] for item in client.list_services(name)]

batch = service.batch(pd.DataFrame({"hp": [120.0, 150.0], "wt": [2.8, 3.0]}), parallel_count=2).start()
deadline = time.monotonic() + 30
while True:
    results = batch.results()
    if results.state in ("Complete", "Failed") or time.monotonic() > deadline:
        break
said["batch"] = {
    "state": results.state,
    "counts": [results.completed_item_count, results.total_item_count],
    "answers": [results.execution(i).output("answer") for i in range(results.total_item_count)],
    "files": [batch.list_artifacts(i) for i in range(results.total_item_count)],
    "file": batch.artifact(1, "answer.txt").decode(),
    "listed": batch.execution_id in service.list_batch_executions(),
}
batch.cancel()
said["batch"]["left"] = service.list_batch_executions()

TYPES = {
    "int": (int, 7),
    "float": (float, 2.5),
    "str": (str, 'hé & "q"'),
    "bool": (bool, True),
    "array": (np.array, np.array([1.5, 2.0])),
    "matrix": (np.matrix, np.matrix([[1, 2], [3, 4]])),
    "frame": (pd.DataFrame, pd.DataFrame({"n": [2.0, 3.0], "s": ["a", "b"], "b": [True, False]})),
}
said["types"] = {}
for label, (kind, value) in TYPES.items():
    echo = client.service(name + "-" + label).version("1").code_str("y = x").inputs(x=kind).outputs(y=kind).deploy()
    y = echo.consume(value).output("y")
    said["types"][label] = bool(np.all(y == value)) and type(y).__name__ == type(value).__name__
    client.delete_service(name + "-" + label, version="1")

changed = client.service(name).version("v1").code_str("answer = hp + wt").inputs(hp=float, wt=float)
changed = changed.outputs(answer=float).alias("add").description("changed").redeploy()
said["redeployed"] = [changed.add(1, 2).output("answer"), client.get_service(name).capabilities()["description"]]

realtime = client.realtime_service(name + "-model").version("1").serialized_model(Path(model_file).read_bytes())
scored = realtime.description("first").deploy().consume(pd.DataFrame({"hp": [120.0, 150.0], "wt": [2.8, 3.0]}))
said["scores"] = scored.output("outputData")["am_Pred"].tolist()
again = client.realtime_service(name + "-model").version("1").serialized_model(Path(model_file).read_bytes())
again = again.alias("score").redeploy()
said["rescored"] = again.score(pd.DataFrame({"hp": [120.0], "wt": [2.8]})).output("outputData")["am_Pred"].tolist()
client.delete_service(name + "-model", version="1")

r_service = client.get_service(name + "-r", version="1")
said["r"] = r_service.consume(120, 2.8).output("answer")

client.delete_service(name, version="v1")
said["left"] = client.list_services(name)
try:
    client.get_service(name, version="v1")
except Exception as ex:
    said["missing"] = type(ex).__name__
print(json.dumps(said))
