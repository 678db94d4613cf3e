"""Networks and volumes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.mapping import label_filter, network_info, volume_info
from pipeline.errors import EngineRefused, NotFound
from pipeline.ports.engine import NetworkInfo, VolumeInfo


class Objects:
    """The part of the engine port about networks and volumes."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False
    ) -> NetworkInfo:
        try:
            made = self._client.ask(
                lambda api: api.create_network(
                    name, driver="bridge", labels=dict(labels), check_duplicate=True,
                    internal=internal,
                )
            )  # fmt: skip
        except EngineRefused:
            there = next((net for net in self._named(name)), None)
            if there is None or not labels.items() <= there.labels.items():
                raise
            return there
        return NetworkInfo(id=made["Id"], name=name, labels=labels)

    def remove_network(self, name: str) -> None:
        with contextlib.suppress(NotFound):
            self._client.ask(lambda api: api.remove_network(name))

    def connect(self, network: str, container: str) -> None:
        try:
            self._client.ask(lambda api: api.connect_container_to_network(container, network))
        except EngineRefused:
            there = self._client.ask(lambda api: api.inspect_container(container))
            if network not in there["NetworkSettings"]["Networks"]:
                raise

    def networks(self, labels: Mapping[str, str]) -> list[NetworkInfo]:
        wanted = {"label": label_filter(labels)}
        return [network_info(n) for n in self._client.ask(lambda api: api.networks(filters=wanted))]

    def _named(self, name: str) -> list[NetworkInfo]:
        found = self._client.ask(lambda api: api.networks(names=[name]))
        return [network_info(item) for item in found if item["Name"] == name]

    def create_volume(self, name: str, labels: Mapping[str, str]) -> VolumeInfo:
        return volume_info(
            self._client.ask(lambda api: api.create_volume(name, labels=dict(labels)))
        )

    def remove_volume(self, name: str) -> None:
        with contextlib.suppress(NotFound):
            self._client.ask(lambda api: api.remove_volume(name))

    def volumes(self, labels: Mapping[str, str]) -> list[VolumeInfo]:
        wanted = {"label": label_filter(labels)}
        found = self._client.ask(lambda api: api.volumes(filters=wanted))
        return [volume_info(item) for item in found.get("Volumes") or ()]
