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
MARKS = ("<!-- latency -->", "<!-- /latency -->")


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


class Network:
    """A profile, with what forces the paper's placements."""

    def __init__(self, profile: Path):
        self.profile = profile
        content = tomllib.loads(profile.read_text())
        self.layers = content["layer"]
        self.makes = {tensor: layer for layer in self.layers for tensor in layer["outputs"]}
        self.heads = self.layers_of_heads()

    def layers_of_heads(self) -> set[str]:
        """The products of matrices, and all that follows one: Z_b is what the first ones read."""
        heads = set()
        for layer in self.layers:  # in execution order
            sources = [self.makes[t]["id"] for t in layer["inputs"] if t in self.makes]
            if "Gemm" in layer["op"] or "MatMul" in layer["op"] or heads.intersection(sources):
                heads.add(layer["id"])
        return heads

    def pins(self, placement: str, prefix: str = "") -> list[str]:
        def side(layer: dict) -> str:
            on_edge = {"local": True, "remote": False, "z_b": layer["id"] not in self.heads}
            return "--keep-on-edge" if on_edge[placement] else "--keep-on-server"

        return [word for layer in self.layers for word in (side(layer), prefix + layer["id"])]


def milliseconds(value: float) -> str:
    return f"{value:.3g} ms"


def size(value: float) -> str:
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.0f} B"


def crossing(plan: dict) -> str:
    if not plan["server"]:
        return "nothing: all on the board"
    names = [f"`{c['tensor']}` as {c['codec']}" for c in plan["crossing"]]
    place = "" if plan["edge"] else "all on the server: "
    return place + ", ".join(names)


def row(cutpoint: Cutpoint, title: str, networks: list[Network], link: list[str], drop: str) -> list[str]:
    profiles = [network.profile for network in networks]

    def forced(placement: str) -> dict:
        alone = len(networks) == 1
        prefixes = ["" if alone else f"{network.profile.stem}/" for network in networks]
        pins = [network.pins(placement, prefix) for network, prefix in zip(networks, prefixes)]
        codecs = ["--codec", "f32,u8"] if placement == "remote" else ["--codec", "f32"]
        return cutpoint.plan(profiles, link, *sum(pins, []), *codecs)

    local, remote, z_b = map(forced, ("local", "remote", "z_b"))
    best = cutpoint.plan(profiles, link, "--max-drop", drop)
    plans = (local, remote, z_b, best)
    latencies = [milliseconds(plan["latency_ms"]) for plan in plans]
    memory = " / ".join(size(plan["edge_memory_bytes"]) for plan in (local, z_b, best))
    sent = [size(z_b["uplink_bytes"]), size(best["uplink_bytes"])]
    networks_ = "multi-task" if len(networks) == 1 else "single-task, two"
    return [title, networks_, link[1], *latencies, *sent, crossing(best), memory]


def find(folder: Path, kind: str, backbone: str) -> Path | None:
    found = sorted(folder.glob(f"{kind}_{backbone}_64*.onnx"))
    return found[0] if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="folder of train_all.py's networks")
    parser.add_argument("--data", type=Path, required=True, help="data set for the accuracy of codecs")
    parser.add_argument("--profiles", type=Path, required=True, help="folder for profiles")
    parser.add_argument("--board", default="here", help="name of this machine; default: here")
    parser.add_argument("--server", default="sim:8x", help="default: sim:8x")
    parser.add_argument("--rates", default="1Mbit/s,10Mbit/s,100Mbit/s", help="default: %(default)s")
    parser.add_argument("--delay", default="500us", help="one way; default: %(default)s")
    parser.add_argument("--max-drop", default="1%", help="default: 1%%")
    parser.add_argument("--budget", default="2min", help="for the accuracy of each network; default: 2min")
    parser.add_argument("--cutpoint", default="cutpoint", help="the program; default: cutpoint")
    arguments = parser.parse_args()
    cutpoint = Cutpoint(
        arguments.cutpoint, arguments.profiles, arguments.board, arguments.server, arguments.data
    )
    lines = [f"| {' | '.join(HEADS)} |", "|" + "---|" * len(HEADS)]
    for backbone, title in BACKBONES.items():
        for kinds in (["mtl"], ["size", "type"]):
            models = [find(arguments.models, kind, backbone) for kind in kinds]
            if None in models:
                continue
            for model in models:
                cutpoint.profile(model)
            for model in models:
                cutpoint.accuracy(model, arguments.budget)
            networks = [Network(cutpoint.profile(model)) for model in models]
            for rate in arguments.rates.split(","):
                link = ["--rate", rate, "--delay", arguments.delay]
                lines.append(f"| {' | '.join(row(cutpoint, title, networks, link, arguments.max_drop))} |")
    write(lines)


def write(lines: list[str]) -> None:
    readme = Path(__file__).parent / "README.md"
    text = readme.read_text()
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    table = "\n".join(lines)
    readme.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}")
    print(table)


if __name__ == "__main__":
    main()
