"""The models that can be had by name. Importable without torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What somebody should know of a model before using it or passing its results on.

    Attributes:
        name: what `--model` takes.
        summary: one line.
        architecture: a key of `photoenhance.networks.ARCHITECTURES`.
        file: the weights' file name, in the package's own `weights` folder.
        licence: SPDX identifier of the weights' licence.
        source: where the weights come from.
        training_data: what they were trained on.
        citation: how to cite the method.
    """

    name: str
    summary: str
    architecture: str
    file: str
    licence: str
    source: str
    training_data: str
    citation: str


DEFAULT_MODEL = "uegan"

CATALOG: dict[str, ModelCard] = {
    "uegan": ModelCard(
        name="uegan",
        summary="Light, colour and contrast for ordinary photos; comes with photoenhance.",
        architecture="uegan",
        file="uegan.safetensors",
        licence="Apache-2.0",
        source="trained by `photoenhance train`; weights/README.md has the command and results",
        training_data="207 finished photos and 123 snapshots under free licences, unpaired",
        citation=(
            "Ni, Yang, Wang, Ma and Kwong 2020, Towards Unsupervised Deep Image Enhancement with "
            "Generative Adversarial Network, IEEE Transactions on Image Processing 29, "
            "https://arxiv.org/abs/2012.15020"
        ),
    ),
}
