"""Deployment files of random shapes: the rules judge them or pass over them, and never fail."""

from __future__ import annotations

import json
import random

import pytest

from .._project import Tree

_KEYS = """
services image build context dockerfile target command entrypoint environment env_file path ports published host_ip protocol
expose volumes source tmpfs networks aliases ipv4_address network_mode profiles deploy replicas restart_policy condition scale
restart healthcheck test extends service file include depends_on container_name hostname kind metadata name labels spec template
containers initContainers env value valueFrom envFrom configMapRef prefix args livenessProbe httpGet exec selector clusterIP port
data stringData items strategy rollingUpdate maxSurge scaleTargetRef maxReplicas parallelism sops
"""
_WORDS = """
api db postgres:18 redis latest a:1 . 8000 8000:8000 127.0.0.1:80-81:90 ${PORT:-80}:80 [::1]:1:2 ${A:?} $$A -1 99999999999 ² host no
CMD CMD-SHELL NONE Deployment Service ConfigMap Secret List Job HorizontalPodAutoscaler Recreate 25% http://db:5432
postgresql://a:b@localhost:5433/c A=1 A DB_HOST DATABASE_URL SECRET_KEY API_PORT celery worker beat -Q -B --workers sh -c serve
/x:/y service:api compose.yaml ../x /health/live
"""
_LINES = """
FROM x AS base|FROM base|FROM|CMD ["sh", "-c", "a"]|CMD [|CMD []|CMD {}|ENTRYPOINT a b|ENTRYPOINT ["tini", "--"]|HEALTHCHECK NONE
RUN <<EOF|EOF|# x|COPY a \\|\\|web: a|web:|worker: celery -A x worker -Q|: x|beat: 'a|A=http://localhost:99999|export B="x
http://localhost:8000 http://127.0.0.1:0 localhost:123456|\u00b2: \u0663|port-forward 1:2
"""
KEYS, WORDS, LINES = _KEYS.split(), _WORDS.split(), _LINES.replace("\n", "|").split("|")
SCALARS = [None, True, False, 0, 7, -3, 1.5, "", " ", "\u00e9", "'", '"', "x" * 300, "a\tb", "{", "*a", "&a"]


def value(dice: random.Random, deep: int) -> object:
    kind = dice.random()
    if deep > 5 or kind < 0.35:
        return dice.choice([*SCALARS, *WORDS])
    if kind < 0.55:
        return [value(dice, deep + 1) for _ in range(dice.randrange(4))]
    return {
        dice.choice(KEYS if dice.random() < 0.85 else WORDS): value(dice, deep + 1) for _ in range(dice.randrange(4))
    }


def compose(dice: random.Random) -> str:
    services = {name: {dice.choice(KEYS): value(dice, 3) for _ in range(dice.randrange(9))} for name in ("api", "db")}
    return json.dumps({"services": services, "include": value(dice, 4)})


def manifests(dice: random.Random) -> str:
    containers = [{dice.choice(KEYS): value(dice, 4) for _ in range(9)} for _ in range(2)]
    made = []
    for _ in range(4):
        spec = {"containers": containers, **{dice.choice(KEYS): value(dice, 4) for _ in range(4)}}
        made.append(json.dumps({"kind": dice.choice(WORDS), "spec": spec, dice.choice(KEYS): value(dice, 3)}))
    return "\n---\n".join(made)


@pytest.mark.parametrize("seed", range(4))
def test_files_of_random_shapes_are_judged_or_passed_over(tree: Tree, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same shapes each time
    tree.settings(
        'kubernetes = ["k.yaml"]\ndocuments = ["README.md"]\nliveness = ["/health/live"]\ndispatchers = ["shop.jobs"]'
    )
    judged = set()
    for _ in range(8):
        lines = {
            name: "\n".join(dice.choice(LINES) for _ in range(12)) for name in ("Dockerfile", "Procfile", "README.md")
        }
        tree.write({**lines, ".env": lines["README.md"], "compose.yaml": compose(dice), "k.yaml": manifests(dice)})
        tree.write({"compose.override.yaml": json.dumps(value(dice, 0)) if dice.random() < 0.5 else compose(dice)})
        report = tree.report("CF", "JB001", "JB010", "JB014", "IM005")
        failed = [each for each in report.could_not_look if "failed" in each.reason or "Error" in each.reason]
        assert failed == []
        judged |= {each.code for each in report.findings}
    assert {"CF002", "CF003", "CF007"} <= judged
