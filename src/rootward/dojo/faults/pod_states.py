"""Pods' states in the cluster's own words: reasons, messages and events as kubelet, scheduler and controllers of v1.31 write them."""

from rootward.dojo.world import troubles as tr


def image(why: str, *, brief: str = "") -> tr.State:
    """`why` is what the registry answered."""
    failed = 'Failed to pull image "{image}": ' + why
    return tr.State(
        tr.WAITING,
        "ImagePullBackOff",
        'Back-off pulling image "{image}": ErrImagePull: ' + (brief or why),
        (
            tr.Told("Pulling", 'Pulling image "{image}"', every_s=300.0, after_s=1.0, warning=False),
            tr.Told("Failed", failed, every_s=300.0, after_s=3.0),
            tr.Told("Failed", "Error: ErrImagePull", every_s=300.0, after_s=3.0),
            tr.Told("BackOff", 'Back-off pulling image "{image}"', every_s=14.0, after_s=17.0, warning=False),
            tr.Told("Failed", "Error: ImagePullBackOff", every_s=14.0, after_s=17.0),
        ),
    )


def crash(lines: tuple[str, ...], *, exit_code: int = 1, reason: str = "Error", runs_s: float = 2.0) -> tr.State:
    """The container ends by itself soon after its start."""
    return tr.State(tr.CRASHING, reason, "", (), exit_code, runs_s, lines=lines)


def config_error(message: str) -> tr.State:
    """The kubelet cannot make the container's configuration: CreateContainerConfigError."""
    return tr.State(
        tr.WAITING, "CreateContainerConfigError", message, (tr.Told("Failed", f"Error: {message}", every_s=13.0),)
    )


def unmounted(volume: str, message: str) -> tr.State:
    """A volume cannot be set up: the container stays in ContainerCreating."""
    late = (
        f"Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], "
        "failed to process volumes=[]: context deadline exceeded"
    )
    return tr.State(
        tr.WAITING,
        "ContainerCreating",
        "",
        (
            tr.Told("FailedMount", f'MountVolume.SetUp failed for volume "{volume}" : {message}', every_s=122.0),
            tr.Told("FailedMount", late, every_s=135.0, after_s=123.0),
        ),
    )
