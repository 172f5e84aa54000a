#!/usr/bin/env python3
"""Writes the table of latencies in README.md: what runs where, how fast, and what it sends.

Everything is measured and planned by cutpoint itself: `profile` for each network that has no profile
yet, `accuracy` where there is no accuracy file, then `plan` for each link. The three placements of the
MTL-Split paper (arXiv 2407.05982) are plans with pinned layers: local-only keeps everything on the
board, remote-only everything on the server (the input sent as an 8-bit image), split computing
sends Z_b, which the backbone hands to the heads.
"""

import argparse
import json
import subprocess
import tomllib
from pathlib import Path

BACKBONES = {"mobilenet_v3_small": "MobileNetV3-small", "efficientnet_b0": "EfficientNet-B0", "vgg16": "VGG16"}
HEADS = [
    "backbone", "networks", "link", "local-only", "remote-only", "split at Z_b", "best plan",
    "sent at Z_b", "sent by the best", "what crosses in the best", "edge memory: local, Z_b, best",
]
MARKS = ("<!-- latency -->", "<!-- end of latency -->")


class Cutpoint:
    def __init__(self, program: str, profiles: Path, board: str, server: str, data: Path):
        self.program, self.folder, self.board, self.server, self.data = program, profiles, board, server, data

    def run(self, *words: str) -> str:
        done = subprocess.run([self.program, *words], capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise SystemExit(f"error: cutpoint {' '.join(words)}\n{done.stderr}")
        return done.stdout

    def profile(self, model: Path) -> Path:
        path = self.folder / self.board / f"{model.stem}.toml"
        if not path.exists():
            print(f"profile {model.stem}", flush=True)
            self.run("profile", str(model), "--board", self.board, "--out", str(self.folder), "--threads", "1")
        return path

    def accuracy(self, model: Path, budget: str) -> None:
        path = self.profile(model)
        if not path.with_suffix(".accuracy.toml").exists():
            print(f"accuracy {model.stem}", flush=True)
            words = ["--data", str(self.data), "--profile", str(path), "--budget", budget]
            self.run("accuracy", str(model), *words)

    def plan(self, profiles: list[Path], link: list[str], *more: str) -> dict | None:
        edges = [word for path in profiles for word in ("--edge", str(path))]
        image = ["--input-u8", "image=127.5,127.5"]
        text = self.run("plan", *edges, "--server", self.server, *link, *image, *more, "--json")
        plan = json.loads(text)
        return plan if plan["status"] != "infeasible" else None


def pins(profile: Path, prefix: str) -> dict[str, list[str]]:
    """Flags that force local-only, remote-only and the split at Z_b."""
    content = tomllib.loads(profile.read_text())
    layers = content["layer"]
    makes = {tensor: layer for layer in layers for tensor in layer["outputs"]}

    def ancestors(tensors: list[str]) -> set[str]:
        found, open_ = set(), [makes[t] for t in tensors if t in makes]
        while open_:
            layer = open_.pop()
            if layer["id"] not in found:
                found.add(layer["id"])
                open_ += [makes[t] for t in layer["inputs"] if t in makes]
        return found

    def keep(side: str, names: list[str]) -> list[str]:
        return [word for name in names for word in (f"--keep-on-{side}", prefix + name)]

    outputs = [output for task in content["task"] for output in task["outputs"]]
    # a head is what follows the flattened features: its layers multiply matrices
    heads = [layer["id"] for layer in layers if layer["op"].startswith(("Gemm", "MatMul", "FusedGemm"))]
    shared = [layer["id"] for layer in layers if layer["id"] not in heads and not is_behind(layer, heads, makes)]
    everything = [layer["id"] for layer in layers]
    last = [name for name in outputs if name in makes]
    assert ancestors(last) <= set(everything)
    return {
        "local": keep("edge", everything),
        "remote": keep("server", everything),
        "z_b": keep("edge", shared) + keep("server", [name for name in everything if name not in shared]),
    }


def is_behind(layer: dict, heads: list[str], makes: dict) -> bool:
    open_, seen = [layer], set()
    while open_:
        current = open_.pop()
        if current["id"] in heads:
            return True
        if current["id"] not in seen:
            seen.add(current["id"])
            open_ += [makes[t] for t in current["inputs"] if t in makes]
    return False
