"""
A tiny language model with random weights and one token a byte, for vLLM to serve.

language_model.py FOLDER writes the model and its tokenizer, reads prompts (text or token ids) as JSON from stdin, and prints
their average token losses in float64 as JSON: transformers' forward pass, then nothing but a log-softmax.
"""

import json
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

END = "<|end|>"


def make(folder: str) -> None:
    torch.manual_seed(7)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {END: 0, **{token: place + 1 for place, token in enumerate(alphabet)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END).save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(vocabulary),
        n_positions=128,
        n_embd=64,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        # Large enough for losses that differ from text to text.
        initializer_range=0.4,
    )
    GPT2LMHeadModel(config).float().save_pretrained(folder)


def losses(folder: str) -> None:
    model = GPT2LMHeadModel.from_pretrained(folder).double().eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    values = []
    for prompt in json.load(sys.stdin):
        ids = torch.tensor(tokenizer.encode(prompt) if isinstance(prompt, str) else prompt)
        with torch.no_grad():
            rows = torch.log_softmax(model(ids[None]).logits[0], dim=-1)
        values.append(-rows[range(len(ids) - 1), ids[1:]].mean().item())
    json.dump(values, sys.stdout)


if __name__ == "__main__":
    make(sys.argv[1])
    losses(sys.argv[1])
