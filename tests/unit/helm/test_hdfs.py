from __future__ import annotations

from tests.unit.helm.rendering import names, one, pod_of, xml

OUTWARD = {"storage": {"external": "s3a://company-lake/marketing", "s3": {"secret": "lake-keys"}}}


def test_two_datanodes_must_be_on_different_nodes() -> None:
    assert one("StatefulSet", "datanode")["spec"]["replicas"] == 2
    affinity = pod_of("StatefulSet", "datanode")["affinity"]["podAntiAffinity"]
    (required,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["topologyKey"] == "kubernetes.io/hostname"
    assert required["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "datanode"


def test_one_node_is_enough_where_spread_is_only_preferred() -> None:
    values = {"storage": {"hdfs": {"datanode": {"spread": "preferred"}}}}
    affinity = pod_of("StatefulSet", "datanode", values)["affinity"]["podAntiAffinity"]
    assert "requiredDuringSchedulingIgnoredDuringExecution" not in affinity


def test_permissions_are_on_and_web_access_is_off() -> None:
    site = xml(one("ConfigMap", "hadoop")["data"]["hdfs-site.xml"])
    assert site["dfs.permissions.enabled"] == "true"
    assert site["dfs.webhdfs.enabled"] == "false"
    assert site["dfs.replication"] == "2"


def test_datanodes_register_by_a_name_that_outlives_their_address() -> None:
    site = xml(one("ConfigMap", "hadoop")["data"]["hdfs-site.xml"])
    assert site["dfs.datanode.hostname"] == "${env.POD_NAME-localhost}.lake-datanode.shop.svc"
    assert site["dfs.client.use.datanode.hostname"] == "true"
    (container,) = pod_of("StatefulSet", "datanode")["containers"]
    name = next(each for each in container["env"] if each["name"] == "POD_NAME")
    assert name["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    service = one("Service", "datanode")["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)


def test_datanodes_reach_a_namenode_that_is_not_ready_yet() -> None:
    assert one("Service", "namenode")["spec"]["publishNotReadyAddresses"] is True


def test_the_analyst_is_in_no_group_that_reads_silver() -> None:
    site = xml(one("ConfigMap", "hadoop")["data"]["core-site.xml"])
    groups = dict(entry.split("=") for entry in site["hadoop.user.group.static.mapping.overrides"].split(";"))
    assert groups["analyst"].split(",") == ["analysts"]
    assert "lakehouse" in groups["engineer"].split(",")
    assert "supergroup" not in groups["lakehouse"].split(",")


def test_more_properties_can_be_given() -> None:
    values = {"storage": {"hdfs": {"config": {"dfs.blocksize": 268435456, "dfs.permissions.umask": "027"}}}}
    site = xml(one("ConfigMap", "hadoop", values)["data"]["hdfs-site.xml"])
    assert int(float(site["dfs.blocksize"])) == 268435456
    assert site["dfs.permissions.umask"] == "027"


def test_the_job_of_folders_has_another_name_when_what_it_does_changes() -> None:
    (usual,) = [each for each in names("Job") if each.startswith("folders-")]
    (newer,) = [
        each
        for each in names("Job", {"images": {"lakehouse": {"name": "lakehouse", "tag": "0.2.0"}}})
        if each.startswith("folders-")
    ]
    assert usual != newer


def test_an_object_store_in_its_place_leaves_nothing_of_hdfs() -> None:
    assert names("StatefulSet", OUTWARD) == {"postgresql"}
    assert not [each for each in names("Job", OUTWARD) if each.startswith("folders-")]
    assert one("ConfigMap", "settings", OUTWARD)["data"]["LAKEHOUSE_STORAGE"] == "s3a://company-lake/marketing"


def test_a_drain_takes_one_datanode_at_a_time() -> None:
    assert one("PodDisruptionBudget", "datanode")["spec"]["maxUnavailable"] == 1
