"""Where MNISTBandit's images come from, and what is said when they are not there."""

import gzip

import jax
import jaxenv
import numpy as np
import pytest
from jaxenv_bsuite import MNISTBandit, mnist_data
from jaxenv_bsuite.mnist_bandit import of_255
from jaxenv_bsuite.mnist_data import ENVIRONMENT_VARIABLE, MnistDataError, MnistNotFoundError


@pytest.fixture
def data():
    rng = np.random.RandomState(7)
    return rng.randint(0, 256, (20, 28, 28)).astype(np.uint8), rng.randint(0, 10, 20)


def test_the_reference_reads_the_same_numbers(tmp_path, data, reference):
    mnist_data.write(tmp_path, *data)
    for kind in ("images-idx3", "labels-idx1"):
        (tmp_path / f"t10k-{kind}-ubyte.gz").write_bytes((tmp_path / f"train-{kind}-ubyte.gz").read_bytes())
    (images, labels), _ = reference.load_mnist(str(tmp_path))
    ours = mnist_data.load("mnist", tmp_path)
    assert np.array_equal(ours.images, images)
    assert np.array_equal(ours.labels, labels)
    assert ours.images.dtype == np.int8
    assert ours.images.min() < 0


@pytest.mark.parametrize("form", ["{}.gz", "{}", "dotted"])
def test_files_may_be_plain_or_gzipped(form, tmp_path, data):
    mnist_data.write(tmp_path, *data)
    for name in (mnist_data.IMAGES, mnist_data.LABELS):
        packed = tmp_path / f"{name}.gz"
        if form != "{}.gz":
            renamed = name.replace("-idx", ".idx") if form == "dotted" else name
            (tmp_path / renamed).write_bytes(gzip.decompress(packed.read_bytes()))
            packed.unlink()
    assert np.array_equal(mnist_data.load("mnist", tmp_path).images.view(np.uint8), data[0])


def test_data_dir_goes_before_the_environment_variable(tmp_path, data, mnist_dir):
    mnist_data.write(tmp_path, *data)
    assert len(jaxenv.make("MNISTBandit-bsuite")[1].labels) == 200
    assert len(jaxenv.make("MNISTBandit-bsuite", data_dir=str(tmp_path))[1].labels) == 20
    assert len(jaxenv.make("bsuite/mnist_scale/3", data_dir=str(tmp_path), fraction=0.5)[1].env_params.labels) == 10


def test_without_files_the_error_says_what_to_put_where(tmp_path, monkeypatch):
    with pytest.raises(MnistNotFoundError, match="holds no train-images-idx3-ubyte"):
        jaxenv.make("MNISTBandit-bsuite", data_dir=str(tmp_path))
    monkeypatch.delenv(ENVIRONMENT_VARIABLE)
    message = rf"(?s){ENVIRONMENT_VARIABLE} is not set.*train-labels-idx1-ubyte.*data_dir=.*params_from.*digits"
    with pytest.raises(MnistNotFoundError, match=message):
        jaxenv.make("bsuite/mnist/0")
    assert issubclass(MnistNotFoundError, FileNotFoundError)


def test_nothing_is_downloaded(monkeypatch, tmp_path):
    import socket

    def refuse(*arguments, **settings):
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(MnistNotFoundError):
        MNISTBandit(data_dir=str(tmp_path)).default_params  # noqa: B018 - the property reads the files


def test_the_home_of_somebody_unknown_is_a_folder_without_files():
    with pytest.raises(MnistNotFoundError, match="~nobody-at-all/x holds no train-images"):
        mnist_data.load("mnist", mnist_data.directory("~nobody-at-all/x"))


def test_the_number_of_actions_needs_no_files(tmp_path):
    assert MNISTBandit(data_dir=str(tmp_path)).num_actions == 10


def test_arrays_of_ones_own(data):
    env = MNISTBandit(fraction=0.5)
    for images in (data[0], data[0].reshape(20, 784), data[0].view(np.int8)):
        params = env.params_from(images, data[1])
        assert np.array_equal(np.asarray(params.images).view(np.uint8), data[0][:10])
        assert np.asarray(params.labels).tolist() == data[1][:10].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x.astype(np.float32), y), "array of images is float32"),
        (lambda x, y: (x[:, :8, :8], y), r"uint8\[20, 8, 8\]"),
        (lambda x, y: (x[:0], y[:0]), r"uint8\[0, 28, 28\]"),
        (lambda x, y: (x, y[:3]), "labels for 20 images"),
        (lambda x, y: (x, y + 5), "labels for 20 images"),
        (lambda x, y: (x, y.astype(float)), "labels for 20 images is float64"),
    ],
)
def test_other_arrays_are_refused(change, message, data):
    with pytest.raises(MnistDataError, match=message):
        MNISTBandit().params_from(*change(*data))


@pytest.mark.parametrize("damage", [lambda b: b[:10], lambda b: b[:-1], lambda b: b"\x00\x00\x08\x01" + b[4:]])
def test_a_damaged_file_is_refused(damage, tmp_path, data):
    mnist_data.write(tmp_path, *data)
    packed = tmp_path / f"{mnist_data.IMAGES}.gz"
    packed.write_bytes(gzip.compress(damage(gzip.decompress(packed.read_bytes()))))
    with pytest.raises(MnistDataError, match="not a whole IDX file"):
        mnist_data.load("mnist", tmp_path)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b[:-1], lambda b: b"\x00" + b[1:], lambda b: b[:40] + bytes(40) + b[80:]]
)
@pytest.mark.parametrize("name", [mnist_data.IMAGES, mnist_data.LABELS])
def test_a_damaged_archive_is_refused(name, damage, tmp_path, data):
    mnist_data.write(tmp_path, *data)
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(damage(packed.read_bytes()))
    with pytest.raises(MnistDataError, match=f"{name}.gz is cut off or damaged"):
        mnist_data.load("mnist", tmp_path)


def test_digits_are_labelled_as_not_comparable():
    env, params = jaxenv.make("MNISTBandit-bsuite", source="digits")
    assert "not comparable" in env.name
    pixels = np.asarray(params.images).view(np.uint8)
    assert pixels.shape == (1797, 28, 28)
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert not pixels[:, :2].any()
    assert np.array_equal(pixels[:, 2:26:3, 2:26:3], pixels[:, 4:26:3, 4:26:3])
    obs, _ = env.reset(jax.random.key(0), params)
    assert env.observation_space(params).contains(obs)


def test_digits_need_scikit_learn(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"jaxenv-bsuite\[digits\]"):
        mnist_data.load("digits", None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fraction": 0.0}, "fraction"),
        ({"fraction": 1.5}, "fraction"),
        ({"source": "mnits"}, "source"),
        ({"pixel_mode": "x"}, "pixel_mode"),
    ],
)
def test_other_options_are_refused(settings, message):
    with pytest.raises(ValueError, match=rf"{message} (must be|is .* expected)"):
        jaxenv.make("MNISTBandit-bsuite", **settings)


def test_the_images_are_put_on_the_device_once():
    first, second = jaxenv.make("bsuite/mnist/0")[1], jaxenv.make("bsuite/mnist/1")[1]
    assert first.images is second.images
    assert isinstance(jax.jit(lambda: MNISTBandit().default_params.labels[0])(), jax.Array)


def test_pixels_are_divided_to_the_last_bit():
    pixels = np.arange(-128, 256, dtype=np.int32)
    for divide in (of_255, jax.jit(of_255)):
        np.testing.assert_array_equal(np.asarray(divide(pixels)), pixels.astype(np.float32) / np.float32(255))
