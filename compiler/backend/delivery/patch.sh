# Changes what helm has rendered: standard input, by the kustomization in the folder $1, to standard output.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/rendered.yaml"
mkdir "$work/patches"
cp "$1/kustomization.yaml" "$work/patches/"
cat >"$work/kustomization.yaml" <<'KUSTOMIZATION'
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [rendered.yaml]
components: [patches]
KUSTOMIZATION
kubectl kustomize "$work"
