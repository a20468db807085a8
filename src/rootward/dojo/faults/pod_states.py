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


def unready(said: str, *, every_s: float = 10.0) -> tr.State:
    """The container runs; its readiness probe gets `said`."""
    told = tr.Told("Unhealthy", f"Readiness probe failed: {said}", every_s=every_s, after_s=12.0)
    return tr.State(tr.UNREADY, "", "", (told,))


def killed_by_probe(said: str, *, runs_s: float, exit_code: int) -> tr.State:
    """The container serves until its liveness probe gives up on it, and is started again."""
    restarted = "Container {container} failed liveness probe, will be restarted"
    return tr.State(
        tr.CRASHING,
        "Error",
        "",
        (
            tr.Told("Unhealthy", f"Liveness probe failed: {said}", every_s=runs_s * 0.6, after_s=runs_s * 0.7),
            tr.Told("Killing", restarted, every_s=runs_s + 15.0, after_s=runs_s, warning=False),
        ),
        exit_code,
        runs_s,
        answers=True,
    )


def initialising(container: str, line: str) -> tr.State:
    """An init container waits, and says so."""
    return tr.State(
        tr.INITIALISING,
        container,
        "",
        (
            tr.Told("Created", f"Created container {container}", every_s=0.0, after_s=4.0, warning=False),
            tr.Told("Started", f"Started container {container}", every_s=0.0, after_s=4.0, warning=False),
        ),
        lines=(line,),
    )


def refused(message: str) -> tr.State:
    """The API server does not let the pod be made; its controller says so, again and again, later each time."""
    told = tr.Told("FailedCreate", f"Error creating: {message}", "replicaset-controller", "ReplicaSet", 80.0, 1.0)
    return tr.State(tr.ABSENT, "FailedCreate", message, (told,))


def unplaceable(message: str) -> tr.State:
    """No node takes the pod."""
    told = tr.Told("FailedScheduling", message, "default-scheduler", every_s=300.0, after_s=0.5)
    return tr.State(tr.UNSCHEDULED, "Unschedulable", message, (told,))


def without_sandbox(message: str, *, every_s: float = 13.0) -> tr.State:
    """The network plugin gives the pod no address."""
    said = (
        f"Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: {message}"
    )
    return tr.State(tr.WAITING, "ContainerCreating", "", (tr.Told("FailedCreatePodSandBox", said, every_s=every_s),))


def lost(*, runs: bool) -> tr.State:
    """The node is not heard of; its pods may go on all the same."""
    told = tr.Told("NodeNotReady", "Node is not ready", "node-controller", every_s=0.0, after_s=tr.GRACE_S)
    return tr.State(tr.LOST, "NodeLost", "", (told,), answers=runs)


def still_attached(volume: str) -> tr.State:
    """A volume that only one node may hold is still attached to another."""
    multi = f'Multi-Attach error for volume "{volume}" Volume is already exclusively attached to one node and can\'t be attached to another'
    late = "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition"
    return tr.State(
        tr.WAITING,
        "ContainerCreating",
        "",
        (
            tr.Told("FailedAttachVolume", multi, "attachdetach-controller", every_s=0.0, after_s=1.0),
            tr.Told("FailedMount", late, every_s=135.0, after_s=123.0),
        ),
    )
