package delivery

import (
	_ "embed"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// health tells Argo CD how an Application is, which it has not known by itself since 1.8. For the Applications of this
// tree it says more than the documentation's own script: a missing object stopped counting against an Application's
// health in Argo CD 3.4, so that one which has never been synced would pass for healthy, and the next wave begin.
//
//go:embed health.lua
var health string

const healthComment = `Once, before root.yaml, with a server-side apply: it adds one key to the ConfigMap and leaves the others as they are.
  kubectl apply --server-side --filename argocd-cm.yaml
Without the key the waves of Applications do not wait for each other.`

// rootComment is for the file that a person applies.
const rootComment = `The Application of the other ones. Order of a first installation:
  1. nodes and Secrets: charts/%[1]s/install.sh --from crds --to secrets
  2. kubectl apply --server-side --filename argocd-cm.yaml
  3. kubectl apply --server-side --filename root.yaml
The waves hold when the Applications are made: a later commit reaches each of them by itself, and one that comes too early
tries again. No Application has a finalizer: deleting one leaves in the cluster what it has made.`

func argoCD(p *ir.Plan, t *artifact.Tree) {
	renderings(p, t)
	customization(p, t)
	root(p, t)
	applications(p, t)
}

func gitopsDir(p *ir.Plan) string { return "gitops/" + p.Name }

func start(p *ir.Plan, t *artifact.Tree, name string) *artifact.YAML {
	f := t.File(gitopsDir(p)+"/"+name, p.From...)
	f.Header("#", p.Name)
	f.From("", p.Delivery.From.Of("kind")...)
	return f.YAML()
}

// customization writes the one key of argocd-cm. The object is Argo CD's: it carries no label of ours.
func customization(p *ir.Plan, t *artifact.Tree) {
	y := start(p, t, "argocd-cm.yaml")
	y.Comment(healthComment)
	backend.Object(y, backend.Meta{
		APIVersion: "v1", Kind: "ConfigMap", Namespace: ir.ArgoNamespace, Name: "argocd-cm",
		From: append(p.Delivery.From.Of("kind"), p.From...),
	}, func() {
		y.Map("data", func() {
			y.Block("resource.customizations.health.argoproj.io_Application", health)
			if patched(p) {
				y.From("", "patches")
				y.Comment(buildOptionsComment)
				y.KV("kustomize.buildOptions", "--enable-helm")
				y.Fixed()
			}
		})
	})
}
