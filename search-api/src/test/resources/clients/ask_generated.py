"""Searches with the client that openapi-python-client made of /openapi.json. Arguments: address, folder of the client."""

import importlib
import pathlib
import sys

folder = pathlib.Path(sys.argv[2])
sys.path.insert(0, str(folder.parent))
client = importlib.import_module(folder.name).Client(base_url=sys.argv[1].rstrip("/"))
call = importlib.import_module(folder.name + ".api.default.search_by_text")
models = importlib.import_module(folder.name + ".models")

answer = call.sync(client=client, q="a red flower", k=3)
assert isinstance(answer, models.SearchAnswer), answer
assert len(answer.hits) == 3 and answer.hits[0].cosine >= answer.hits[1].cosine, answer.hits
refused = call.sync(client=client, q="a red flower", k=100_000)
assert isinstance(refused, models.Problem) and refused.status == 400, refused
print("generated client: ok", answer.fingerprint)
