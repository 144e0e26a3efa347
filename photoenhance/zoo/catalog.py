"""The models that can be had by name. Importable without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ConfigValue = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Published:
    """A file in which others gave out a model; what is None is known to nobody.

    Attributes:
        file: its name in our cache and on a mirror.
        addresses: where to get it, the first one first.
        page: where a person finds it with a browser.
        size: bytes.
        sha256: of the file, in hexadecimal.
        member: of several models in one archive, what the wanted one's path contains.
        proofs: ids of which the right file has at least one: that which Git gives the bytes with
            the tensors, or the fingerprint of the tensors' own checksums (`bundle.fingerprint`).
        shape: the fields of the architecture's config that the right file's tensors tell.
    """

    file: str
    addresses: tuple[str, ...]
    page: str
    size: int | None = None
    sha256: str | None = None
    member: str | None = None
    proofs: tuple[str, ...] = ()
    shape: Mapping[str, ConfigValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What somebody should know of a model before using it or passing its results on.

    Attributes:
        name: what `--model` takes.
        summary: one line.
        architecture: a key of `photoenhance.networks.ARCHITECTURES`.
        file: the weights' file name: of a bundled model in the package's own `weights` folder, of
            a published one in the cache, in our format.
        licence: SPDX identifier of the weights' licence, or what is known of it.
        source: where the weights come from.
        training_data: what they were trained on.
        citation: how to cite the method.
        sha256: of a bundled model's file.
        published: the original to download; None where the model is bundled.
        value_range: of the network's own input and output; photoenhance converts.
        alignment: how the network upsamples.
        config: the fields of the architecture's config that tensors do not tell.
    """

    name: str
    summary: str
    architecture: str
    file: str
    licence: str
    source: str
    training_data: str
    citation: str
    sha256: str | None = None
    published: Published | None = None
    value_range: str = "[-1, 1]"
    alignment: str = "bilinear, corners aligned"
    config: Mapping[str, ConfigValue] = field(default_factory=dict)


def drive(file_id: str) -> tuple[str, ...]:
    """The addresses of a file on Google Drive.

    The first answers with the file itself even where Drive would ask whether a file too large for
    its virus scanner is wanted; the second is the older form, which leads there.
    """
    return (
        f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t",
        f"https://drive.google.com/uc?export=download&id={file_id}&confirm=t",
    )


def drive_page(file_id: str) -> str:
    """Where a browser shows a file on Google Drive."""
    return f"https://drive.google.com/file/d/{file_id}/view"


DEFAULT_MODEL = "snapshots"

_UEGAN_DRIVE = "1lBQOx-2YBEYemrPW-AtFZPv7MmdNEwRe"
_ENLIGHTENGAN_DRIVE = "1AkV-n2MdyfuZTFvcon8Z4leyVb0i7x63"
_ONNX_COMMIT = "6b68a71f0b973912cffad25bff243b28530de823"
_ONNX_REPOSITORY = "arsenyinfo/EnlightenGAN-inference"
_ONNX_PATH = "enlighten_inference/enlighten.onnx"
_DPE_FOLDER = "https://www.cmlab.csie.ntu.edu.tw/project/Deep-Photo-Enhancer/"

_CITE_UEGAN = (
    "Ni, Yang, Wang, Ma and Kwong 2020, Towards Unsupervised Deep Image Enhancement with "
    "Generative Adversarial Network, IEEE Transactions on Image Processing 29, "
    "https://arxiv.org/abs/2012.15020"
)
_CITE_ENLIGHTENGAN = (
    "Jiang, Gong, Liu, Cheng, Fang, Shen, Yang, Zhou and Wang 2021, EnlightenGAN: Deep Light "
    "Enhancement without Paired Supervision, IEEE Transactions on Image Processing 30, "
    "https://arxiv.org/abs/1906.06972"
)
_CITE_DPE = (
    "Chen, Wang, Kao and Chuang 2018, Deep Photo Enhancer: Unpaired Learning for Image Enhancement "
    "from Photographs with GANs, CVPR, https://doi.org/10.1109/CVPR.2018.00660"
)


def _dpe(
    name: str,
    summary: str,
    training_data: str,
    member: str,
    *proofs: str,
) -> ModelCard:
    """Make the card of one of the models in the authors' archive."""
    return ModelCard(
        name=name,
        summary=summary,
        architecture="dpe",
        file=f"{name}.safetensors",
        licence="none stated for the weights; the authors' repository carries MIT",
        source=f"the DPE authors' web site, archive of their demo, folder {member}",
        training_data=training_data,
        citation=_CITE_DPE,
        value_range="[0, 1]",
        alignment="nearest neighbour",
        published=Published(
            file="dpe-demo-models.zip",
            addresses=(_DPE_FOLDER + "%5BOnline_Demo_Models%5D_Deep-Photo-Enhancer.zip",),
            page="https://github.com/nothinglo/Deep-Photo-Enhancer",
            member=member,
            proofs=proofs,
            shape={"width": 16, "side": 512},
        ),
    )


_CARDS = (
    ModelCard(
        name="snapshots",
        summary="Mends snapshots: backlight, haze, too little light; leaves good photos alone.",
        architecture="enlightengan",
        file="snapshots.safetensors",
        licence="Apache-2.0",
        source="trained by `photoenhance train`; weights/README.md has the command and results",
        training_data="207 finished photos under free licences, made worse",
        citation=_CITE_ENLIGHTENGAN,
        sha256="033a0264549f28caf2ecb749f45ddf133721fe87dbbf2fd1ccda0e9403f1385e",
    ),
    ModelCard(
        name="uegan",
        summary="Light, colour and contrast for plain renderings of raw photos.",
        architecture="uegan",
        file="uegan.safetensors",
        licence="Apache-2.0",
        source="trained by `photoenhance train`; weights/README.md has the command and results",
        training_data="207 finished photos and 123 snapshots under free licences, unpaired",
        citation=_CITE_UEGAN,
        sha256="6836345f33ccc522aaaa4f4bb760b2bc70332bdcf73d40c2fa446b0d97576763",
    ),
    ModelCard(
        name="enlightengan",
        summary="Light for photos taken with too little of it, or in front of a bright background.",
        architecture="enlightengan",
        file="enlightengan.safetensors",
        licence="Apache-2.0",
        source="trained by `photoenhance train`; weights/README.md has the command and results",
        training_data="207 finished photos under free licences, most of them darkened",
        citation=_CITE_ENLIGHTENGAN,
        sha256="4654721b9452beb21f96c0820c5420addbed10580878702be3c4a61e92edb6f6",
    ),
    ModelCard(
        name="dpe",
        summary="Mends snapshots, and lifts backlit ones a little more than the default.",
        architecture="dpe",
        file="dpe.safetensors",
        licence="Apache-2.0",
        source="trained by `photoenhance train`; weights/README.md has the command and results",
        training_data="207 finished photos under free licences, made worse",
        citation=_CITE_DPE,
        sha256="c4c1bbdc4b51e3fc3a1bfd2dcde1b65f13d2d6abccae1bf8ef0ea73ed4c7c4cd",
        value_range="[0, 1]",
        alignment="nearest neighbour",
    ),
    ModelCard(
        name="uegan-fivek",
        summary="The UEGAN authors' own weights, after an expert's versions of FiveK.",
        architecture="uegan",
        file="uegan-fivek.safetensors",
        licence="none stated for the weights; the authors' repository carries MIT",
        source="the UEGAN authors' Google Drive, results/UEGAN-FiveK",
        training_data="MIT-Adobe FiveK: renderings as shot, and others retouched by expert C",
        citation=_CITE_UEGAN,
        published=Published(
            file="UEGAN-FiveK_rahinge_92.0.pth",
            addresses=drive(_UEGAN_DRIVE),
            page=drive_page(_UEGAN_DRIVE),
            shape={"width": 32},
        ),
    ),
    ModelCard(
        name="enlightengan-official",
        summary="The EnlightenGAN authors' own weights, for photos taken in the dark.",
        architecture="enlightengan",
        file="enlightengan-official.safetensors",
        licence="none stated for the weights; the authors' repository carries BSD-2-Clause",
        source="the EnlightenGAN authors' Google Drive",
        training_data="914 dark and 1,016 normal photos from several public sets, unpaired",
        citation=_CITE_ENLIGHTENGAN,
        config={"align_corners": True},
        published=Published(
            file="200_net_G_A.pth",
            addresses=drive(_ENLIGHTENGAN_DRIVE),
            page=drive_page(_ENLIGHTENGAN_DRIVE),
            shape={"width": 32, "attention": True},
        ),
    ),
    ModelCard(
        name="enlightengan-onnx",
        summary="EnlightenGAN as its ONNX port gives it out, for photos taken in the dark.",
        architecture="enlightengan",
        file="enlightengan-onnx.safetensors",
        licence="MIT for the port; none stated for the weights",
        source=f"https://github.com/{_ONNX_REPOSITORY}, commit {_ONNX_COMMIT[:10]}",
        training_data="as enlightengan-official, whose weights these are said to be",
        citation=_CITE_ENLIGHTENGAN,
        value_range="[0, 1] in, [-1, 1] out",
        alignment="bilinear, as the file's graph says; corners not aligned where it is silent",
        config={"align_corners": False},
        published=Published(
            file="enlighten.onnx",
            addresses=(
                f"https://raw.githubusercontent.com/{_ONNX_REPOSITORY}/{_ONNX_COMMIT}/{_ONNX_PATH}",
                f"https://github.com/{_ONNX_REPOSITORY}/raw/{_ONNX_COMMIT}/{_ONNX_PATH}",
            ),
            page=f"https://github.com/{_ONNX_REPOSITORY}/blob/{_ONNX_COMMIT}/{_ONNX_PATH}",
            shape={"width": 32, "attention": True},
        ),
    ),
    _dpe(
        "dpe-supervised-official",
        "The DPE authors' model that saw pairs: an expert's versions of FiveK.",
        "MIT-Adobe FiveK, 2,250 pairs with expert C's versions",
        "604",
        "06fc1f5f98d173ed890d1b98ee77ad9aeb942e10",
        "e9d2fa6d4d7282f03534cbd38dad5c4197b5c249154a83c84b0b507e43bd6c9a",
    ),
    _dpe(
        "dpe-unpaired-official",
        "The DPE authors' unpaired model: after an expert's versions of FiveK.",
        "MIT-Adobe FiveK: 2,250 photos as sources, 2,250 others by expert C as targets",
        "577",
    ),
    _dpe(
        "dpe-hdr-official",
        "The DPE authors' unpaired model with the strongest look: after HDR photos.",
        "sources from MIT-Adobe FiveK, 627 HDR photos from Flickr as targets, unpaired",
        "999",
        "dbc37d3195e21d176532ee51a58507245ff6c8c8",
        "f3bd81b3c35edc2fab9e8ae26ebcd692f6fba863184f0ec71dbcd359db888671",
    ),
)

CATALOG: dict[str, ModelCard] = {card.name: card for card in _CARDS}
