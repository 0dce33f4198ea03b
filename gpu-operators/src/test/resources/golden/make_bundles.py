"""Writes tiny model bundles with random weights, shaped like CLIP, SigLIP and MobileCLIP exports, and their expected vectors.

Run: python make_bundles.py   (needs pillow==12.0.0, numpy, onnx, onnxruntime, tokenizers, sentencepiece)

bundles/<name>/encoder.json, image.onnx, text.onnx, the tokenizer's file, golden.json (image and text vectors by onnxruntime in
Python, pixels by Pillow, token ids by the reference tokenizers), golden/*.png
"""
import hashlib
import io
import json
import os
import re

import numpy
import onnx
import onnxruntime
import PIL
import sentencepiece
import tokenizers
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

assert PIL.__version__ == "12.0.0", PIL.__version__
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bundles")
DIM = 12
TEXTS = ["a photo of a dog", "Two  RED   bicycles!", "it's the 3rd cat's tail, isn't it?", "caf\u00e9 con leche " * 30]
CORPUS = ("a photo of a dog and a cat on the red bicycle by the sea two horses in a field of fresh fruit "
          "the quick brown fox jumps over the lazy dog it's the third cat's tail isn't it caf\u00e9 con leche").split()


def random(seed, *shape):
    return numpy.random.default_rng(seed).normal(0, 1, shape).astype("float32")


def init(name, value):
    return numpy_helper.from_array(value, name)


def save(nodes, inputs, outputs, initializers, path):
    graph = helper.make_graph(nodes, "tower", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    with open(path, "wb") as f:
        f.write(model.SerializeToString())


def image_tower(path, size, seed, input_name, output_names, half=False):
    """A patch convolution, a non-linearity, a mean, a projection; a second output comes first where two are asked for."""
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    cast = (lambda v: v.astype("float16")) if half else (lambda v: v)
    nodes = [
        helper.make_node("Conv", [input_name, "w"], ["patches"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Tanh", ["patches"], ["active"]),
        helper.make_node("Flatten", ["active"], ["flat"]),
        helper.make_node("MatMul", ["flat", "p"], [output_names[-1]]),
    ]
    patches = (size // 8) ** 2
    outputs = [helper.make_tensor_value_info(output_names[-1], kind, ["batch", DIM])]
    if len(output_names) > 1:
        nodes.append(helper.make_node("ReduceMean", ["active"], [output_names[0]], axes=[2, 3], keepdims=0))
        outputs.insert(0, helper.make_tensor_value_info(output_names[0], kind, ["batch", 6]))
    save(nodes, [helper.make_tensor_value_info(input_name, kind, ["batch", 3, size, size])], outputs,
         [init("w", cast(random(seed, 6, 3, 8, 8) / 8)), init("p", cast(random(seed + 1, 6 * patches, DIM)))], path)


def text_tower(path, vocabulary, seed, inputs, output, pooled, kind=TensorProto.INT64):
    """Embeds tokens and mixes in a running position; pooled ones mean over the mask, others give a vector a token."""
    nodes = [
        helper.make_node("Gather", ["table", inputs[0]], ["tokens"]),
        helper.make_node("CumSum", ["tokens", "axis"], ["running"]),
        helper.make_node("Tanh", ["running"], ["hidden"]),
    ]
    graph_inputs = [helper.make_tensor_value_info(name, kind, ["batch", "length"]) for name in inputs]
    initializers = [init("table", random(seed, vocabulary, DIM) / 3), init("axis", numpy.array(1, "int64"))]
    if pooled:
        initializers.append(init("last", numpy.array([2], "int64")))
        initializers.append(init("one", numpy.array([1], "int64")))
        nodes += [
            helper.make_node("Cast", [inputs[1]], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
            helper.make_node("Mul", ["hidden", "wide"], ["masked"]),
            helper.make_node("ReduceSum", ["masked", "one"], ["sum"], keepdims=0),
            helper.make_node("ReduceSum", ["wide", "one"], ["count"], keepdims=0),
            helper.make_node("Div", ["sum", "count"], [output]),
        ]
        shape = ["batch", DIM]
    else:
        nodes.append(helper.make_node("Identity", ["hidden"], [output]))
        shape = ["batch", "length", DIM]
    save(nodes, graph_inputs, [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)], initializers, path)


def picture(width, height, seed):
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    r = 128 + 100 * numpy.sin(x / (5 + seed) + y / 11)
    g = 255 * (x + y) / (width + height)
    b = 128 + 110 * numpy.cos((x - y) / (7 + seed))
    noise = numpy.random.default_rng(seed).normal(0, 20, (height, width, 3))
    return Image.fromarray((numpy.stack([r, g, b], -1) + noise).clip(0, 255).astype("uint8"))


def tensor(image, rules):
    size = rules["size"]
    filter = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}[rules["interpolation"]]
    if rules["resize_mode"] == "squash":
        image = image.resize((size, size), filter)
    else:
        w, h = image.size
        w, h = (size, size * h // w) if w <= h else (size * w // h, size)
        image = image.resize((w, h), filter)
        rounding = round if rules["crop_rounding"] == "half_even" else int
        left, top = rounding((w - size) / 2), rounding((h - size) / 2)
        image = image.crop((left, top, left + size, top + size))
    x = numpy.asarray(image).astype("float32") / 255
    x = (x - numpy.array(rules["mean"], "float32")) / numpy.array(rules["std"], "float32")
    return x.transpose(2, 0, 1)[None]


def unit(v):
    v = numpy.asarray(v, "float64").reshape(-1)
    return [round(float(f), 7) for f in v / numpy.linalg.norm(v)]


def sha(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


# --- reference tokenizers -------------------------------------------------------------------------------------------


def bytes_to_unicode():
    bs = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    cs = bs[:]
    n = 0
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + n)
            n += 1
    return dict(zip(bs, [chr(c) for c in cs]))


def learn_merges(count):
    """Byte-pair merges of the corpus, most frequent first."""
    table = bytes_to_unicode()
    words = [[table[b] for b in w.encode()] for w in CORPUS]
    words = [w[:-1] + [w[-1] + "</w>"] for w in words]
    merges = []
    for _ in range(count):
        pairs = {}
        for w in words:
            for pair in zip(w, w[1:]):
                pairs[pair] = pairs.get(pair, 0) + 1
        if not pairs:
            break
        best = max(sorted(pairs), key=lambda p: pairs[p])
        merges.append(best)
        for w in words:
            i = 0
            while i + 1 < len(w):
                if (w[i], w[i + 1]) == best:
                    w[i:i + 2] = [w[i] + w[i + 1]]
                i += 1
    return merges


def clip_reference(merges, context):
    """Hugging Face's own byte-level BPE set up as CLIP's, as the judge of ours."""
    chars = list(bytes_to_unicode().values())
    vocabulary = chars + [c + "</w>" for c in chars] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    ids = {}
    for i, token in enumerate(vocabulary):
        ids[token] = i
    t = tokenizers.Tokenizer(tokenizers.models.BPE(
        vocab=ids, merges=merges, end_of_word_suffix="</w>", unk_token="<|endoftext|>", fuse_unk=False))
    n = tokenizers.normalizers
    t.normalizer = n.Sequence([n.NFC(), n.Replace(tokenizers.Regex(r"\s+"), " "), n.Lowercase()])
    p = tokenizers.pre_tokenizers
    t.pre_tokenizer = p.Sequence([
        p.Split(tokenizers.Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True),
        p.ByteLevel(add_prefix_space=False)])
    start, end = ids["<|startoftext|>"], ids["<|endoftext|>"]

    def encode(text):
        tokens = t.encode(text).ids[: context - 2]
        return [start] + tokens + [end]

    return encode, len(vocabulary), end


# --- bundles ----------------------------------------------------------------------------------------------------------


def bundle(name, image, text, encode, pad_to=None, pooled=False, eot=False, half=False):
    folder = os.path.join(HERE, name)
    files = []
    golden = {"images": [], "texts": []}
    session = onnxruntime.InferenceSession(os.path.join(folder, "image.onnx"), providers=["CPUExecutionProvider"])
    os.makedirs(os.path.join(folder, "golden"), exist_ok=True)
    for i, (w, h) in enumerate([(97, 41), (40, 75), (33, 33)]):
        path = os.path.join(folder, "golden", f"{w}x{h}.png")
        picture(w, h, i).save(path, "PNG")
        x = tensor(Image.open(path), image["preprocessing"]).astype("float16" if half else "float32")
        out = image["output"].get("name") or session.get_outputs()[image["output"]["output_index"]].name
        vector = session.run([out], {image["input"]["name"]: x})[0]
        golden["images"].append({"file": f"golden/{w}x{h}.png", "vector": unit(vector)})
    session = onnxruntime.InferenceSession(os.path.join(folder, "text.onnx"), providers=["CPUExecutionProvider"])
    for t in TEXTS:
        ids = encode(t)
        length = pad_to or len(ids)
        tokens = numpy.zeros((1, length), "int64")
        tokens[0, : len(ids)] = ids
        mask = numpy.zeros((1, length), "int64")
        mask[0, : len(ids)] = 1
        feeds = {}
        for node, value in zip(session.get_inputs(), (tokens, mask)):
            feeds[node.name] = value.astype("int32") if node.type == "tensor(int32)" else value
        hidden = session.run(None, feeds)[0]
        if pooled:
            vector = hidden[0]
        elif eot:
            vector = hidden[0, numpy.argmax(tokens[0])]
        else:
            vector = hidden[0, len(ids) - 1]
        golden["texts"].append({"text": t, "ids": ids, "vector": unit(vector)})
    image["files"] = [{"file": "image.onnx", "bytes": os.path.getsize(os.path.join(folder, "image.onnx")),
                       "sha256": sha(os.path.join(folder, "image.onnx")), "weights": "fp16" if half else "fp32"}]
    text["sha256"] = sha(os.path.join(folder, "text.onnx"))
    text["tokenizer"]["sha256"] = sha(os.path.join(folder, text["tokenizer"]["file"]))
    encoder = {"name": name, "version": "1.0.0", "dim": DIM, "normalised": True, "metric": "cosine",
               "image": image, "text": text, "golden": "golden.json"}
    with open(os.path.join(folder, "encoder.json"), "w") as f:
        json.dump(encoder, f, indent=1)
        f.write("\n")
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(golden, f)
        f.write("\n")


def rules(size, mode, interpolation, mean, std, rounding="half_even"):
    return {"size": size, "resize_mode": mode, "interpolation": interpolation, "crop": "center" if mode == "shortest" else "none",
            "crop_rounding": rounding, "mean": mean, "std": std}


def tiny_clip():
    folder = os.path.join(HERE, "tiny-clip")
    os.makedirs(folder, exist_ok=True)
    merges = learn_merges(60)
    with open(os.path.join(folder, "merges.txt"), "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    encode, size, _ = clip_reference(merges, 77)
    image_tower(os.path.join(folder, "image.onnx"), 32, 1, "pixel_values", ["image_embeds"])
    text_tower(os.path.join(folder, "text.onnx"), size, 5, ["input_ids"], "last_hidden_state", pooled=False)
    bundle("tiny-clip",
           {"input": {"name": "pixel_values", "shape": ["batch", "3", "32", "32"]},
            "output": {"name": "image_embeds", "shape": ["batch", str(DIM)]},
            "preprocessing": rules(32, "shortest", "bicubic", [0.48145466, 0.4578275, 0.40821073],
                                   [0.26862954, 0.26130258, 0.27577711])},
           {"file": "text.onnx", "tokenizer": {"kind": "clip-bpe", "file": "merges.txt", "pad": True}, "max_tokens": 77,
            "pooling": "eot"},
           encode, pad_to=77, eot=True)


def tiny_siglip():
    folder = os.path.join(HERE, "tiny-siglip")
    os.makedirs(folder, exist_ok=True)
    corpus = io.StringIO("\n".join(CORPUS * 3) + "\n" + " ".join(CORPUS) + "\n")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=corpus, model_writer=model, vocab_size=70, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        normalization_rule_name="identity", character_coverage=1.0, hard_vocab_limit=False, minloglevel=2)
    with open(os.path.join(folder, "spiece.model"), "wb") as f:
        f.write(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    encode = lambda t: processor.encode(t.lower())[:63] + [1]
    image_tower(os.path.join(folder, "image.onnx"), 32, 11, "pixel_values", ["pooler_output", "image_embeds"])
    text_tower(os.path.join(folder, "text.onnx"), processor.get_piece_size(), 15, ["input_ids", "attention_mask"],
               "text_embeds", pooled=True)
    bundle("tiny-siglip",
           {"input": {"name": "pixel_values", "shape": ["batch", "3", "32", "32"]},
            "output": {"output_index": 1, "shape": ["batch", str(DIM)]},
            "preprocessing": rules(32, "squash", "bicubic", [0.5] * 3, [0.5] * 3)},
           {"file": "text.onnx", "tokenizer": {"kind": "sentencepiece", "file": "spiece.model", "lowercase": True},
            "max_tokens": 64, "output": "text_embeds", "pooling": "none"},
           encode, pooled=True)


def tiny_mobileclip():
    folder = os.path.join(HERE, "tiny-mobileclip")
    os.makedirs(folder, exist_ok=True)
    t = tokenizers.Tokenizer(tokenizers.models.WordPiece(
        vocab={w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + sorted(set(CORPUS)) +
                                          ["##" + c for c in "abcdefghijklmnopqrstuvwxyz"] + list(".,!?'0123456789"))},
        unk_token="[UNK]"))
    t.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    t.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    t.save(os.path.join(folder, "tokenizer.json"))
    t.enable_truncation(20)
    encode = lambda text: t.encode(text).ids
    image_tower(os.path.join(folder, "image.onnx"), 32, 21, "image", ["embedding"], half=True)
    text_tower(os.path.join(folder, "text.onnx"), t.get_vocab_size(), 25, ["text"], "features", pooled=False, kind=TensorProto.INT32)
    bundle("tiny-mobileclip",
           {"input": {"name": "image", "type": "float16", "shape": ["batch", "3", "32", "32"]},
            "output": {"name": "embedding", "type": "float16", "shape": ["batch", str(DIM)]},
            "preprocessing": rules(32, "shortest", "bilinear", [0.0] * 3, [1.0] * 3, "floor")},
           {"file": "text.onnx", "tokenizer": {"kind": "hf-json", "file": "tokenizer.json"}, "max_tokens": 20,
            "pooling": "last", "batch": 2},
           encode, half=True)


tiny_clip()
tiny_siglip()
tiny_mobileclip()
