"""Policy/value nets: their shapes, weights on disk and evaluation. In the order of dependence.

config.py      NetConfig: a net's family and sizes as one string, its parameters and FLOPs; torch-free
tensorfile.py  named arrays and a JSON header in one safetensors file, hashed and written atomically; torch-free
modelfile.py   the header of a model file and every reason to refuse one; torch-free
models.py      where model files lie, and which game one is for; torch-free
kernelnet.py   from a model file to a kernel net of the engine; torch-free
layers.py      Dense and Conv, the two layers that all nets consist of, and all initialisation
families.py    build: the mlp and resnet families as torch modules
checkpoint.py  save_model, load_model; save_tensors, load_tensors for a trainer's own state
fused.py       the inference copy of a net: batch norm folded, activations fused, weights packed
evaluator.py   TorchEvaluator: batches of planes to policy logits and win, draw, loss probabilities
check.py       check: refuses an evaluator that strays from eager f32
export.py      python -m nets.export: a net as an ONNX file
"""
