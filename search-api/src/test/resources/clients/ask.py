"""Asks a running server with the clients that people have. Arguments: address, picture, width of the image tower, gRPC address."""

import sys

import numpy as np
import openai
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton

address, picture, size = sys.argv[1].rstrip("/"), sys.argv[2], int(sys.argv[3])
words = "a red flower"

client = openai.OpenAI(base_url=address + "/v1", api_key="none")
model = client.models.list().data[0].id
assert client.models.retrieve(model).id == model
as_base64 = client.embeddings.create(model=model, input=[words]).data[0].embedding  # the client asks for base64 by itself
as_floats = client.embeddings.create(model=model, input=words, encoding_format="float").data[0].embedding
assert np.allclose(as_base64, as_floats, atol=1e-6)
try:
    client.embeddings.create(model="nothing", input=words)
    raise SystemExit("an unknown model was accepted")
except openai.NotFoundError as error:
    assert model in str(error), error
print("openai: ok")

with open(picture, "rb") as file:
    encoded = file.read()
with triton.InferenceServerClient(address.split("//")[1]) as server:
    assert server.is_server_live() and server.is_server_ready()
    assert "binary_tensor_data" in server.get_server_metadata()["extensions"]
    for name in (model + "-text", model + "-image"):
        assert server.is_model_ready(name) and server.is_model_ready(name, "1")
        assert server.get_model_metadata(name)["name"] == name

    def infer(name, tensor, values, binary):
        given = triton.InferInput(tensor, list(values.shape), "FP32" if values.dtype == np.float32 else "BYTES")
        given.set_data_from_numpy(values, binary_data=binary)
        wanted = triton.InferRequestedOutput("embedding", binary_data=binary)
        return server.infer(name, [given], outputs=[wanted], request_id="7").as_numpy("embedding")

    text = np.array([words.encode()], dtype=np.object_)
    for binary in (True, False):
        found = infer(model + "-text", "text", text, binary)
        assert found.shape == (1, len(as_floats)), found.shape
        assert np.allclose(found[0], as_floats, atol=1e-6)
    image = infer(model + "-image", "image", np.array([[encoded], [encoded]], dtype=np.object_), True)
    assert image.shape[0] == 2 and np.allclose(image[0], image[1])
    assert abs(np.linalg.norm(image[0]) - 1) < 1e-4
    tensor = np.linspace(-1, 1, 2 * 3 * size * size, dtype=np.float32).reshape(2, 3, size, size)
    rows = infer(model + "-image", "image", tensor, True)
    assert rows.shape == image.shape and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    try:
        infer(model + "-image", "image", tensor[:, :, 1:], True)
        raise SystemExit("a wrong shape was accepted")
    except triton.InferenceServerException as error:
        assert "shape must be" in str(error), error
print("tritonclient: ok")

with triton_grpc.InferenceServerClient(sys.argv[4]) as server:
    assert server.is_server_live() and server.is_server_ready()
    assert server.get_server_metadata().name == "lenstream"
    for name in (model + "-text", model + "-image"):
        assert server.is_model_ready(name) and server.is_model_ready(name, "1")
        assert list(server.get_model_metadata(name).outputs[0].shape) == [-1, len(as_floats)]

    def call(name, tensor, values):
        given = triton_grpc.InferInput(tensor, list(values.shape), "FP32" if values.dtype == np.float32 else "BYTES")
        given.set_data_from_numpy(values)
        wanted = [triton_grpc.InferRequestedOutput("embedding")]
        answer = server.infer(name, [given], outputs=wanted, request_id="7")
        assert answer.get_response().id == "7"
        return answer.as_numpy("embedding")

    assert np.allclose(call(model + "-text", "text", text)[0], as_floats, atol=1e-6)
    assert np.allclose(call(model + "-image", "image", np.array([[encoded]], dtype=np.object_))[0], image[0], atol=1e-6)
    assert np.allclose(call(model + "-image", "image", tensor), rows, atol=1e-5)
    for name, tensor_name, values, said in (
        ("nothing", "text", text, model),
        (model + "-text", "image", text, "is named text"),
        (model + "-image", "image", tensor[:, :, 1:], "shape must be"),
    ):
        try:
            call(name, tensor_name, values)
            raise SystemExit("a wrong request was accepted")
        except triton_grpc.InferenceServerException as error:
            assert said in str(error), error
print("tritonclient grpc: ok")
