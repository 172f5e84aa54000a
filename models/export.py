#!/usr/bin/env python3
"""Makes the multi-task ONNX networks that cutpoint is tried on.

Two families:

  mtlsplit  the MTL-Split networks (arXiv 2407.05982): one torchvision backbone, whose output is
            flattened once and read by one small head per task.
  skipnet   an encoder with skip connections and three decoders of different character:
            dense classes (`seg`), dense regression (`depth`) and whole-image classes (`class`).

The weights are random but seeded, so a network answers nothing useful; it has the shape, the size
and the running time of a trained one. (train.py makes networks that answer.) Its batch norms and
last layers are fitted to a few random images, so that every activation has an ordinary scale
(denormal numbers would distort timing) and the answers vary with the image (so that two versions
of a network can be compared by their answers).

The weights of what is written, and those of a file given by --round, are rounded to half precision,
so that the file compresses.
"""

import argparse
import hashlib
import warnings
from pathlib import Path

import numpy
import onnx
import onnx.reference
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

OPSET = 18
HIDDEN = 256  # width of a head's first layer, as in the paper
DEFAULT_TASKS = {"size": 8, "type": 4}  # the two tasks on 3D Shapes, in the paper
SMALLEST_NORMAL = torch.finfo(torch.float32).tiny
HALF_ROUNDING = 2.0**-11  # the most by which half precision rounds a number in its range, relative to it
SAME, ROUNDED = 1e-4, 5e-2  # how far a file's answers may be from PyTorch's, relative to the largest


# ---------------------------------------------------------------------------------------- MTL-Split


def resnet18_features() -> nn.Sequential:
    return nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-2])


# The paper takes the convolutional part only. torchvision's pooling in front of its own classifiers
# is left out, as in the paper, so a head is as wide as the feature map is large.
BACKBONES = {
    "mobilenet_v3_small": lambda: torchvision.models.mobilenet_v3_small(weights=None).features,
    "efficientnet_b0": lambda: torchvision.models.efficientnet_b0(weights=None).features,
    "resnet18": resnet18_features,
    "vgg16": lambda: torchvision.models.vgg16(weights=None).features,
    "vgg16_bn": lambda: torchvision.models.vgg16_bn(weights=None).features,
}


class MtlSplit(nn.Module):
    """A shared backbone and one head per task."""

    def __init__(self, backbone: str, size: int, tasks: dict[str, int]):
        super().__init__()
        self.backbone = BACKBONES[backbone]()
        with torch.no_grad():
            features = self.backbone.eval()(torch.zeros(1, 3, size, size)).numel()
        self.tasks = list(tasks)
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(features, HIDDEN),
                nn.Dropout(0.1),
                nn.ReLU(),
                nn.Linear(HIDDEN, classes),
            )
            for classes in tasks.values()
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        shared = torch.flatten(self.backbone(image), start_dim=1)
        return tuple(head(shared) for head in self.heads)

    def output_names(self) -> list[str]:
        return self.tasks

    def classifier_layers(self) -> list[nn.Linear]:
        return [head[-1] for head in self.heads]


# ------------------------------------------------------------------------------------------ SkipNet


class ConvNormRelu(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class Residual(nn.Module):
    """Two convolutions whose result is added to their input."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = ConvNormRelu(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.second(self.first(x))))


class Encoder(nn.Module):
    """Halves the image four times.

    Gives the deepest feature map, and from each level above it a skip connection: a 1x1 convolution
    narrows it, so that the skips together hold fewer numbers than the image does.
    """

    WIDTHS = (24, 48, 96, 128)
    SKIP_WIDTHS = (4, 8, 16)

    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(ConvNormRelu(inputs, outputs, stride=2), Residual(outputs))
            for inputs, outputs in zip((3, *self.WIDTHS), self.WIDTHS)
        )
        self.skips = nn.ModuleList(
            ConvNormRelu(inputs, outputs, kernel=1)
            for inputs, outputs in zip(self.WIDTHS, self.SKIP_WIDTHS)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        skips = []
        for level, skip in zip(self.levels, self.skips):
            x = level(x)
            skips.append(skip(x))
        return self.levels[-1](x), skips


class SegDecoder(nn.Module):
    """Classes per pixel: transposed convolutions, each joined with all that its skip holds."""

    WIDTHS = (64, 32, 24)

    def __init__(self, classes: int):
        super().__init__()
        self.ups = nn.ModuleList()
        self.mixes = nn.ModuleList()
        inputs = Encoder.WIDTHS[-1]
        for width, skip in zip(self.WIDTHS, reversed(Encoder.SKIP_WIDTHS)):
            self.ups.append(nn.ConvTranspose2d(inputs, width, 2, stride=2))
            self.mixes.append(ConvNormRelu(width + skip, width))
            inputs = width
        self.last_up = nn.ConvTranspose2d(inputs, 16, 2, stride=2)
        self.last_mix = ConvNormRelu(16, 16)
        self.classify = nn.Conv2d(16, classes, 1)

    def forward(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        for up, mix, skip in zip(self.ups, self.mixes, reversed(skips)):
            x = mix(torch.cat((up(x), skip), dim=1))
        return self.classify(self.last_mix(self.last_up(x)))


class DepthDecoder(nn.Module):
    """A number in 0..1 per pixel: bilinear resizing, the two deeper skips added, cheap convolutions."""

    WIDTH = 32

    def __init__(self):
        super().__init__()
        used_skips = Encoder.SKIP_WIDTHS[1:]
        self.narrow = ConvNormRelu(Encoder.WIDTHS[-1], self.WIDTH, kernel=1)
        self.widen = nn.ModuleList(nn.Conv2d(skip, self.WIDTH, 1) for skip in reversed(used_skips))
        self.mixes = nn.ModuleList(
            nn.Sequential(
                ConvNormRelu(self.WIDTH, self.WIDTH, groups=self.WIDTH),
                ConvNormRelu(self.WIDTH, self.WIDTH, kernel=1),
            )
            for _ in used_skips
        )
        self.regress = nn.Conv2d(self.WIDTH, 1, 3, padding=1)

    def forward(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        x = self.narrow(x)
        for widen, mix, skip in zip(self.widen, self.mixes, reversed(skips)):
            x = mix(self.enlarge(x, 2) + widen(skip))
        return torch.sigmoid(self.enlarge(self.regress(x), 4))

    @staticmethod
    def enlarge(x: Tensor, factor: int) -> Tensor:
        return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class SkipNet(nn.Module):
    """One encoder, three decoders: `seg` reads every skip, `depth` the two deeper ones, `class` none."""

    def __init__(self, seg_classes: int = 5, image_classes: int = 10):
        super().__init__()
        self.encoder = Encoder()
        self.seg = SegDecoder(seg_classes)
        self.depth = DepthDecoder()
        self.classify = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(Encoder.WIDTHS[-1], 64),
            nn.ReLU(),
            nn.Linear(64, image_classes),
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        deepest, skips = self.encoder(image)
        return self.seg(deepest, skips), self.depth(deepest, skips), self.classify(deepest)

    def output_names(self) -> list[str]:
        return ["seg", "depth", "class"]

    def classifier_layers(self) -> list[nn.Module]:
        return [self.seg.classify, self.classify[-1]]


# ------------------------------------------------------------------- sane activations without training


def coloured_images(count: int, size: int) -> Tensor:
    """Blurred patches of colour with noise on top, in 0..1. (Plain noise would make all images alike.)"""
    patches = F.interpolate(torch.rand(count, 3, 5, 5), size=(size, size), mode="bilinear")
    return 0.8 * patches + 0.2 * torch.rand(count, 3, size, size)


def all_kinds_of_images(count: int, size: int) -> Tensor:
    """`count` coloured images, then `count` of each kind of input that a benchmark may feed."""
    uniform_noise = torch.rand(count, 3, size, size)
    normal_noise = torch.randn(count, 3, size, size)
    flat = torch.rand(count, 3, 1, 1).round().expand(count, 3, size, size)
    return torch.cat((coloured_images(count, size), uniform_noise, normal_noise, flat))


@torch.no_grad()
def fit_to_images(net: nn.Module, count: int, size: int) -> None:
    """Makes up for the missing training, in one pass over `count` images of each kind.

    Every batch norm gets a random scale and shift, and its statistics from the images. Every class
    score gets deviation 1, and mean 0 over the coloured images, so that no class always wins.
    """

    def set_statistics(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        by_channel = inputs[0].transpose(0, 1).flatten(start_dim=1)
        norm.running_mean.copy_(by_channel.mean(dim=1))
        norm.running_var.copy_(by_channel.var(dim=1))

    def standardise(layer: nn.Module, _inputs: tuple[Tensor], scores: Tensor) -> None:
        mean = scores[:count].transpose(0, 1).flatten(start_dim=1).mean(dim=1)
        deviation = scores.transpose(0, 1).flatten(start_dim=1).std(dim=1)
        layer.bias.sub_(mean).div_(deviation)
        layer.weight.div_(deviation.reshape(-1, *[1] * (layer.weight.dim() - 1)))

    hooks = [layer.register_forward_hook(standardise) for layer in net.classifier_layers()]
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            hooks.append(module.register_forward_pre_hook(set_statistics))
    net(all_kinds_of_images(count, size))
    for hook in hooks:
        hook.remove()


@torch.no_grad()
def check_activations(net: nn.Module, count: int, size: int) -> None:
    """Refuses a network that computes NaN, infinity or denormals, or hardly reacts to its input."""
    largest = 0.0

    def check(name: str, out: Tensor) -> None:
        nonlocal largest
        magnitude = out.abs()
        if not torch.isfinite(out).all():
            raise SystemExit(f"error: {name} computes NaN or infinity")
        if ((magnitude > 0) & (magnitude < SMALLEST_NORMAL)).any():
            raise SystemExit(f"error: {name} computes denormal numbers")
        largest = max(largest, magnitude.max().item())

    hooks = [
        module.register_forward_hook(lambda _module, _inputs, out, name=name: check(name, out))
        for name, module in net.named_modules()
        if not list(module.children())
    ]
    outputs = net(all_kinds_of_images(count, size))
    for hook in hooks:
        hook.remove()

    for name, out in zip(net.output_names(), outputs):
        spread = out[:count].std(dim=0).mean().item()
        if spread < 1e-3:
            raise SystemExit(f"error: output {name} hardly depends on the image")
        print(f"output {name}: shape {list(out.shape[1:])}, deviation between images {spread:.3f}")
    print(f"largest activation {largest:.1f}")


# ------------------------------------------------------------------------------------------- export


def export(net: nn.Module, size: int) -> onnx.ModelProto:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net,
            (torch.zeros(1, 3, size, size),),
            input_names=["image"],
            output_names=net.output_names(),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    strip_build_traces(model)
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:  # for example a task named like an inner tensor
        raise SystemExit(f"error: ONNX's checker refuses the network: {error}") from None
    return model


@torch.no_grad()
def compare_with_pytorch(model: onnx.ModelProto, net: nn.Module, size: int, tolerance: float = SAME) -> None:
    """Refuses a file that does not compute what `net` does, by ONNX's own reference implementation."""
    image = coloured_images(1, size)
    answers = onnx.reference.ReferenceEvaluator(model).run(None, {"image": image.numpy()})
    expected = net(image)
    scale = max(1.0, *(theirs.abs().max().item() for theirs in expected))
    pairs = zip(answers, expected)
    difference = max((torch.tensor(ours) - theirs).abs().max().item() for ours, theirs in pairs) / scale
    if not difference < tolerance:
        raise SystemExit(f"error: the exported network differs from PyTorch's by {difference:.1e} of its largest answer")
    print(f"largest difference from PyTorch {difference:.1e} (of the largest answer, where that is above 1; allowed {tolerance:g})")


def round_weights(model: onnx.ModelProto) -> None:
    """Gives every float32 weight the nearest value that half precision can hold: its last 13 bits are zeros.

    It stays float32, so the graph and the arithmetic are as before. What half precision cannot hold to its
    usual 11 bits, being too large or too small for it (an epsilon), keeps its value.
    """
    constants = (node for node in model.graph.node if node.op_type == "Constant")
    values = [attribute.t for node in constants for attribute in node.attribute if attribute.HasField("t")]
    for tensor in (*model.graph.initializer, *values):
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        weights = onnx.numpy_helper.to_array(tensor)
        with numpy.errstate(over="ignore", invalid="ignore"):
            halves = weights.astype(numpy.float16).astype(numpy.float32)
            holds = numpy.abs(halves - weights) <= HALF_ROUNDING * numpy.abs(weights)
        tensor.ClearField("float_data")
        tensor.raw_data = numpy.where(holds, halves, weights).astype("<f4").tobytes()


def strip_build_traces(model: onnx.ModelProto) -> None:
    """Removes what depends on the machine rather than on the network: source paths, wheel variant."""
    model.producer_version = model.producer_version.split("+")[0]
    graph = model.graph
    values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for part in (model, graph, *graph.node, *values):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


# ------------------------------------------------------------------------------------- command line


def parse_tasks(text: str) -> dict[str, int]:
    tasks = {}
    for item in text.split(","):
        name, _, classes = item.partition("=")
        if not name.isidentifier() or not classes.isdecimal() or int(classes) < 1:
            raise argparse.ArgumentTypeError(f"'{item}' is not NAME=CLASSES, for example size=8")
        if name in tasks or name == "image":
            raise argparse.ArgumentTypeError(f"the name '{name}' is taken")
        tasks[name] = int(classes)
    return tasks


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--net", choices=("mtlsplit", "skipnet"), default="mtlsplit", help="default: mtlsplit")
    parser.add_argument("--backbone", choices=BACKBONES, help="mtlsplit only; default: mobilenet_v3_small")
    parser.add_argument(
        "--tasks", type=parse_tasks, metavar="NAME=CLASSES,...", help="mtlsplit only; default: size=8,type=4"
    )
    parser.add_argument(
        "--size", type=int, default=64, help="side of the image in pixels, a multiple of 16, at least 32; default: 64"
    )
    parser.add_argument("--seed", type=int, default=1, help="same seed, same file; default: 1")
    parser.add_argument(
        "--round", type=Path, metavar="FILE", help="make no network: round the weights of this .onnx file"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .onnx file to write")
    args = parser.parse_args()

    if args.size < 32 or args.size % 16:
        parser.error(f"--size {args.size} is not a multiple of 16 of at least 32")
    if args.round and (args.backbone or args.tasks):
        parser.error("--backbone and --tasks do not go with --round")
    if args.net == "skipnet" and (args.backbone or args.tasks):
        parser.error("--backbone and --tasks go with --net mtlsplit only")
    return args


def make(args: argparse.Namespace) -> onnx.ModelProto:
    torch.set_default_dtype(torch.float64)  # until they are made float32, so that processors agree on the weights
    torch.manual_seed(args.seed)

    if args.net == "skipnet":
        net = SkipNet()
    else:
        net = MtlSplit(args.backbone or "mobilenet_v3_small", args.size, args.tasks or DEFAULT_TASKS)
    net.eval()
    count = max(4, 32 * 64**2 // args.size**2)  # statistics need pixels: of large images a few will do
    fit_to_images(net, count, args.size)
    torch.set_default_dtype(torch.float32)
    net.float()
    check_activations(net, count, args.size)
    print(f"{sum(parameter.numel() for parameter in net.parameters()):,} parameters")

    model = export(net, args.size)
    compare_with_pytorch(model, net, args.size)
    round_weights(model)
    compare_with_pytorch(model, net, args.size, ROUNDED)
    return model


def main() -> None:
    args = parse_arguments()
    if args.round:
        model = onnx.load(args.round)
        round_weights(model)
    else:
        model = make(args)
    data = model.SerializeToString(deterministic=True)
    args.out.write_bytes(data)
    print(f"{args.out}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
