#!/usr/bin/env python3
"""Trains every network of the tables in README.md, by models/train.py, some of them side by side.

What the file of results holds already, with its network in the folder, is skipped: stop this at any
time and start it again. The first network is the one that the repository carries.
"""

import argparse
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import train

SCRIPT = Path(train.__file__)
VARIANTS = {"mtl": "size,type", "size": "size", "type": "type", "mtl3": "size,type,angle"}


@dataclass(frozen=True)
class Budget:
    """What all networks on one backbone get alike."""

    images: int
    epochs: int
    cost: float  # of an image, relative to the other backbones: for the time left
    options: tuple[str, ...] = ()


BUDGETS = {
    "mobilenet_v3_small": Budget(images=48_000, epochs=2, cost=1.0, options=("--lr", "0.003")),
    "efficientnet_b0": Budget(images=16_000, epochs=2, cost=4.5, options=("--batch", "32", "--lr", "0.001")),
    "vgg16": Budget(images=12_000, epochs=2, cost=7.5, options=("--batch", "32", "--lr", "0.0001", "--warmup", "10", "--bf16")),
}


@dataclass(frozen=True)
class Job:
    variant: str
    backbone: str
    seed: int

    def name(self) -> str:
        several = self.backbone == "mobilenet_v3_small"
        return f"{self.variant}_{self.backbone}_64" + (f"_seed{self.seed}" if several else "")

    def cost(self) -> float:
        budget = BUDGETS[self.backbone]
        return budget.images * budget.epochs * budget.cost

    def arguments(self, args: argparse.Namespace) -> list[str]:
        budget = BUDGETS[self.backbone]
        words = ["--backbone", self.backbone, "--tasks", VARIANTS[self.variant], "--seed", str(self.seed)]
        words += ["--images", str(budget.images), "--epochs", str(budget.epochs), *budget.options]
        words += ["--data", str(args.data), "--results", str(args.results), "--machine", args.machine]
        return words + ["--out", str(args.out / f"{self.name()}.onnx")]


def jobs() -> list[Job]:
    """The multi-task network of every backbone first: it is what the planner is tried on."""
    small, *large = BUDGETS
    order = [Job("mtl", backbone, 1) for backbone in BUDGETS]
    order += [Job(variant, small, 1) for variant in ("size", "type", "mtl3")]
    order += [Job(variant, small, seed) for seed in (2, 3) for variant in ("mtl", "size", "type")]
    return order + [Job(variant, backbone, 1) for backbone in large for variant in ("size", "type")]


def is_done(job: Job, args: argparse.Namespace) -> bool:
    """Whether this very command has a result, and its network is there."""
    if not args.results.exists() or not (args.out / f"{job.name()}.onnx").exists():
        return False
    wanted = train.command(train.parser().parse_args(job.arguments(args)))
    runs = tomllib.loads(args.results.read_text()).get("run", [])
    return any(run["command"] == wanted for run in runs)


class Side:
    """One of the runs that go on side by side."""

    def __init__(self, job: Job, args: argparse.Namespace):
        self.job = job
        self.log = open(args.out / f"{job.name()}.log", "w")
        command = [sys.executable, str(SCRIPT), *job.arguments(args)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)

    def is_over(self) -> bool:
        if self.process.poll() is None:
            return False
        self.log.close()
        if self.process.returncode != 0:
            print(f"{self.job.name()}: failed, see its log", flush=True)
        return True


def train_all(args: argparse.Namespace) -> None:
    wanted = [job for job in jobs() if job.backbone in args.backbone]
    waiting = [job for job in wanted if not is_done(job, args)]
    print(f"{len(waiting)} of {len(wanted)} networks to train", flush=True)
    total = sum(job.cost() for job in waiting)
    done = 0.0
    started = time.monotonic()
    sides: list[Side] = []
    try:
        while waiting or sides:
            while waiting and len(sides) < args.jobs:
                job = waiting.pop(0)
                if not is_done(job, args):  # by another run of this script
                    sides.append(Side(job, args))
            time.sleep(1)
            for side in [side for side in sides if side.is_over()]:
                sides.remove(side)
                done += side.job.cost()
                # those under way count as half done
                passed = done + sum(other.job.cost() for other in sides) / 2
                left_s = (time.monotonic() - started) / passed * (total - passed)
                print(f"{side.job.name()} is over, about {left_s / 60:.0f} min left for the others", flush=True)
    finally:
        for side in sides:
            side.process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with images.npy and labels.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the networks and their logs")
    parser.add_argument("--backbone", nargs="+", choices=BUDGETS, default=list(BUDGETS), help="only these; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side, one thread each; default: 2")
    parser.add_argument("--machine", default="x86-64 processor", help="what to call this machine in the results")
    parser.add_argument("--results", type=Path, default=train.RESULTS, metavar="FILE", help="default: results.toml beside this script")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    train_all(args)


if __name__ == "__main__":
    main()
