#!/usr/bin/env python3
"""Trains one MTL-Split network (arXiv 2407.05982) and writes it as ONNX.

The paper's recipe: the tasks' losses are added up, AdamW, StepLR that divides the learning rate by
ten at half time. `size` and `type` are classes (cross-entropy); `angle`, the orientation in degrees,
is a number (L1 of the angle over 30 degrees).

DIR is what `cutpoint dataset shapes --out DIR` writes: images.npy and labels.csv. Beside FILE.onnx
a FILE.data.toml says how images and labels belong to its input and outputs. What the run cost and
how well the network answers on the test split, as trained, is added to the file of results. The file
holds its weights rounded to half precision.
"""

import argparse
import csv
import hashlib
import json
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import export

IMAGE_SIZE = 64
PIXEL_MEAN = PIXEL_STD = 127.5  # bytes become -1..1
EVALUATION_BATCH = 256
SETTLING_BATCHES = 100
PROGRESS_S = 10  # between two lines of progress
RESULTS = Path(__file__).with_name("results.toml")


# ------------------------------------------------------------------------------------------- tasks


@dataclass(frozen=True)
class Task:
    """What a head answers, from the column of labels.csv that has the task's name."""

    outputs: int
    metric: str
    scale: float = 1.0  # of a number: the unit it is learnt in; the exported network answers in the label's


TASKS = {
    "size": Task(outputs=8, metric="top1"),
    "type": Task(outputs=4, metric="top1"),
    "angle": Task(outputs=1, metric="mae", scale=30.0),
}


def is_class(task: str) -> bool:
    return TASKS[task].metric == "top1"


def loss(task: str, answers: Tensor, labels: Tensor) -> Tensor:
    if is_class(task):
        return F.cross_entropy(answers, labels)
    return F.l1_loss(answers[:, 0], labels / TASKS[task].scale)


def summed_error(task: str, answers: Tensor, labels: Tensor) -> float:
    """What the metric is the mean of: 1 for a right class, or how far off a number is."""
    if is_class(task):
        return (answers.argmax(dim=1) == labels).sum().item()
    return (answers[:, 0] - labels).abs().sum().item()


# -------------------------------------------------------------------------------------------- data


@dataclass
class Split:
    images: numpy.ndarray  # [all of the data set, height, width, RGB], bytes
    rows: Tensor  # which of them belong to this split
    labels: dict[str, Tensor]  # by task, for all of the data set

    def batch(self, picked: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        rows = self.rows[picked]
        pixels = torch.from_numpy(self.images[rows.numpy()])
        images = pixels.permute(0, 3, 1, 2).float().sub_(PIXEL_MEAN).div_(PIXEL_STD)
        images = images.contiguous(memory_format=torch.channels_last)
        return images, {task: labels[rows] for task, labels in self.labels.items()}

    def __len__(self) -> int:
        return len(self.rows)


def load(folder: Path, tasks: list[str], limit: int | None) -> tuple[Split, Split]:
    """The train split, of at most `limit` images, and the test split."""
    images = numpy.load(folder / "images.npy")
    with open(folder / "labels.csv", newline="") as file:
        table = list(csv.DictReader(file))
    if images.shape != (len(table), IMAGE_SIZE, IMAGE_SIZE, 3) or images.dtype != numpy.uint8:
        raise SystemExit(f"error: {folder}: images are {images.dtype} {images.shape} for {len(table)} labels")
    labels = {}
    for task in tasks:
        column = [float(row[task]) for row in table]
        labels[task] = torch.tensor(column, dtype=torch.int64 if is_class(task) else torch.float32)
    train, test = (
        torch.tensor([i for i, row in enumerate(table) if row["split"] == split]) for split in ("train", "test")
    )
    return Split(images, train[:limit], labels), Split(images, test, labels)


# ---------------------------------------------------------------------------------------- training


def schedule(optimiser: torch.optim.Optimizer, steps: int, warmup: int):
    """A tenth of the rate in the second half, as in the paper, counted in steps; before, a warm-up if asked for."""
    halves = torch.optim.lr_scheduler.StepLR(optimiser, step_size=max(1, steps // 2), gamma=0.1)
    if warmup == 0:
        return halves
    rising = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=1 / warmup, total_iters=warmup)
    return torch.optim.lr_scheduler.ChainedScheduler([rising, halves])


def train(net: nn.Module, data: Split, args: argparse.Namespace) -> None:
    net.train().to(memory_format=torch.channels_last)
    standardise_activations(net, data)
    # the paper's code ties the decay to the rate
    optimiser = torch.optim.AdamW(net.parameters(), args.lr, weight_decay=args.lr * 1e-2)
    per_epoch = len(data) // args.batch
    steps = args.epochs * per_epoch
    scheduler = schedule(optimiser, steps, args.warmup)
    progress = Progress(steps)
    for epoch in range(args.epochs):
        order = torch.randperm(len(data))[: per_epoch * args.batch]
        for picked in order.split(args.batch):
            images, labels = data.batch(picked)
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
                answers = net(images)
            losses = {task: loss(task, answer.float(), labels[task]) for task, answer in zip(args.tasks, answers)}
            optimiser.zero_grad()
            sum(losses.values()).backward()
            optimiser.step()
            scheduler.step()
            progress.step(losses)


class Progress:
    """A line now and then: where the losses are, and the time left."""

    def __init__(self, steps: int):
        self.steps = steps
        self.done = 0
        self.started = self.shown = time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0

    def step(self, losses: dict[str, Tensor]) -> None:
        self.done += 1
        self.count += 1
        for task, value in losses.items():
            self.sums[task] = self.sums.get(task, 0.0) + value.item()
        now = time.monotonic()
        if now - self.shown < PROGRESS_S and self.done < self.steps:
            return
        left_s = (now - self.started) / self.done * (self.steps - self.done)
        means = " ".join(f"{task} {total / self.count:.3f}" for task, total in self.sums.items())
        print(f"step {self.done}/{self.steps}, loss {means}, {left_s:.0f} s left", file=sys.stderr, flush=True)
        self.shown, self.sums, self.count = now, {}, 0


def batch_norms(net: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]


@torch.no_grad()
def standardise_activations(net: nn.Module, data: Split) -> None:
    """Starts a backbone without batch norms as if it had them: every channel with mean 0 and deviation 1.

    Else thirteen convolutions after another make all images look alike, and hundreds of steps pass
    before the losses begin to fall.
    """

    def standardise(layer: nn.Conv2d, _inputs: tuple[Tensor], out: Tensor) -> Tensor:
        mean = out.mean(dim=(0, 2, 3))
        deviation = out.std(dim=(0, 2, 3)).clamp(min=1e-6)
        layer.weight.div_(deviation.reshape(-1, 1, 1, 1))
        layer.bias.sub_(mean).div_(deviation)
        return (out - mean.reshape(1, -1, 1, 1)) / deviation.reshape(1, -1, 1, 1)

    if batch_norms(net):
        return
    layers = [module for module in net.backbone.modules() if isinstance(module, nn.Conv2d)]
    hooks = [layer.register_forward_hook(standardise) for layer in layers]
    net(data.batch(torch.randperm(len(data))[:EVALUATION_BATCH])[0])
    for hook in hooks:
        hook.remove()


@torch.no_grad()
def settle_statistics(net: nn.Module, data: Split, batch: int) -> None:
    """Gives every batch norm the plain mean of its statistics over some batches of the train split.

    The running means trail behind the weights: MobileNetV3's, which keep 99 % of the past at every
    step, have hardly left their start after a few hundred steps, and the network would answer nothing.
    """
    norms = batch_norms(net)
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    net.train()
    for picked in torch.randperm(len(data))[: SETTLING_BATCHES * batch].split(batch):
        net(data.batch(picked)[0])


def to_label_units(net: nn.Module, tasks: list[str]) -> None:
    """Lets the last layer of a head that answers a number answer in the label's unit."""
    with torch.no_grad():
        for task, layer in zip(tasks, net.classifier_layers()):
            layer.weight.mul_(TASKS[task].scale)
            layer.bias.mul_(TASKS[task].scale)


@torch.no_grad()
def evaluate(net: nn.Module, data: Split, tasks: list[str]) -> dict[str, float]:
    sums = dict.fromkeys(tasks, 0.0)
    for picked in torch.arange(len(data)).split(EVALUATION_BATCH):
        images, labels = data.batch(picked)
        for task, answer in zip(tasks, net(images)):
            sums[task] += summed_error(task, answer, labels[task])
    return {task: total / len(data) for task, total in sums.items()}


# ------------------------------------------------------------------------------------------- files


def sidecar(tasks: list[str]) -> str:
    """How images and labels of the data set belong to the network's input and outputs."""
    lines = ["format = 1", "[input]", 'name = "image"', 'layout = "nchw"']
    lines += [f"mean = [{PIXEL_MEAN}]", f"std = [{PIXEL_STD}]"]
    for task in tasks:
        lines += ["[[task]]", f'name = "{task}"', f'label = "{task}"', f'metric = "{TASKS[task].metric}"']
    return "\n".join(lines) + "\n"


def toml(record: dict) -> str:
    """One [[run]] of the results; JSON's strings, numbers and lists are TOML's as well."""
    lines = ["[[run]]"]
    for key, value in record.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{name} = {json.dumps(item)}" for name, item in value.items())
            lines.append(f"{key} = {{ {inner} }}")
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n\n"


def command(args: argparse.Namespace) -> str:
    """The run again, with paths cut down to names."""
    words = f"python models/train.py --backbone {args.backbone} --tasks {','.join(args.tasks)}"
    words += f" --data {args.data.name} --seed {args.seed} --epochs {args.epochs}"
    if args.images:
        words += f" --images {args.images}"
    words += f" --batch {args.batch} --lr {args.lr:g}"
    if args.warmup:
        words += f" --warmup {args.warmup}"
    if args.bf16:
        words += " --bf16"
    return words + f" --threads {args.threads} --out {args.out.name}"


def file_hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def serialise(model) -> tuple[bytes, str]:
    """The bytes of the network's file, and their hash."""
    data = model.SerializeToString(deterministic=True)
    return data, hashlib.sha256(data).hexdigest()


def write(data: bytes, path: Path) -> None:
    """Leaves the whole file or none."""
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(data)
    unfinished.replace(path)


# ------------------------------------------------------------------------------------ command line


def parse_tasks(text: str) -> list[str]:
    tasks = text.split(",")
    unknown = [task for task in tasks if task not in TASKS]
    if unknown or len(set(tasks)) < len(tasks):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of different tasks out of {', '.join(TASKS)}")
    return tasks


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", choices=export.BACKBONES, default="mobilenet_v3_small", help="default: mobilenet_v3_small")
    parser.add_argument("--tasks", type=parse_tasks, default=["size", "type"], metavar="NAME,...", help="out of size, type, angle; default: size,type")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with images.npy and labels.csv")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--epochs", type=int, default=2, help="default: 2")
    parser.add_argument("--images", type=int, metavar="N", help="train with the first N images of the train split; default: all")
    parser.add_argument("--batch", type=int, default=64, help="default: 64")
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate of the first half; default: 0.001")
    parser.add_argument("--warmup", type=int, default=0, metavar="STEPS", help="steps in which the rate rises from nearly nothing; default: 0")
    parser.add_argument("--bf16", action="store_true", help="multiply in bfloat16 while training; the network stays float32")
    parser.add_argument("--threads", type=int, default=1, help="default: 1")
    parser.add_argument("--machine", default=f"{platform.machine()} processor", help="what to call this machine in the results")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="default: results.toml beside this script")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .onnx file to write")
    return parser


def run(args: argparse.Namespace) -> dict:
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(args.seed)
    train_data, test_data = load(args.data, args.tasks, args.images)
    net = export.MtlSplit(args.backbone, IMAGE_SIZE, {task: TASKS[task].outputs for task in args.tasks})

    wall, processor = time.monotonic(), time.process_time()
    train(net, train_data, args)
    settle_statistics(net, train_data, args.batch)
    wall, processor = time.monotonic() - wall, time.process_time() - processor

    to_label_units(net, args.tasks)
    net.eval()
    metrics = evaluate(net, test_data, args.tasks)
    # the exporter would put the memory layout of training into the file
    net.to(memory_format=torch.contiguous_format)
    model = export.export(net, IMAGE_SIZE)
    export.compare_with_pytorch(model, net, IMAGE_SIZE)
    _, trained_sha256 = serialise(model)
    export.round_weights(model)
    export.compare_with_pytorch(model, net, IMAGE_SIZE, export.ROUNDED)
    rounded, rounded_sha256 = serialise(model)
    write(rounded, args.out)
    args.out.with_suffix(".data.toml").write_text(sidecar(args.tasks))

    record = {
        "model": args.out.stem,
        "command": command(args),
        "backbone": args.backbone,
        "tasks": args.tasks,
        "seed": args.seed,
        "epochs": args.epochs,
        "data_sha256": file_hash(args.data / "images.npy"),
        "train_images": len(train_data),
        "test_images": len(test_data),
        "metrics": {f"{task}_{TASKS[task].metric}": round(value, 5) for task, value in metrics.items()},
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "train_s": round(wall, 1),
        "processor_s": round(processor, 1),
        "torch": torch.__version__.split("+")[0],
        "machine": args.machine,
        "onnx_bytes": args.out.stat().st_size,
        "onnx_sha256": trained_sha256,
        "rounded_sha256": rounded_sha256,
    }
    with open(args.results, "a") as file:
        file.write(toml(record))
    print(f"{args.out.name}: {record['metrics']}, {wall:.0f} s", flush=True)
    return record


if __name__ == "__main__":
    run(parser().parse_args())
