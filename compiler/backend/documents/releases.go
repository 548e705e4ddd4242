package documents

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// A control is one istiod: its Deployment, the revision that asks for it, what its webhooks are called after, and its Helm
// release.
type control struct{ Deployment, Revision, Suffix, Release string }

// controls are the istiods of a mesh: during an upgrade there are two, and whatever is done to one is done to both.
func controls(p *ir.Plan) []control {
	m := &p.Mesh
	out := []control{{Deployment: "istiod", Revision: m.RevisionLabel()}}
	if m.Revision != "" {
		out[0].Suffix = "-" + m.Revision
	}
	if m.Next != nil {
		out = append(out, control{Deployment: "istiod", Revision: m.Next.Revision, Suffix: "-" + m.Next.Revision})
	}
	for i := range out {
		out[i].Deployment += out[i].Suffix
		for _, r := range p.Releases {
			if r.Chart == "istiod" && "-"+r.Revision == out[i].Suffix {
				out[i].Release = r.Name
			}
		}
	}
	return out
}

// bringBack is the command that makes again what was deleted of a release. Argo CD renders charts and keeps no releases: helm
// would refuse objects that it does not own, and what is in step with its commit is not brought back by itself (argo-cd.readthedocs.io, sync
// Applications with kubectl; read 2026-11-21).
func (b *book) bringBack(r *ir.Release) string {
	if b.Argo {
		return "kubectl -n argocd patch application " + b.P.Name + "-" + r.Name +
			` --type merge -p '{"operation":{"initiatedBy":{"username":"runbook"},"sync":{"syncOptions":["ServerSideApply=true","RespectIgnoreDifferences=true"]}}}'`
	}
	if phase := b.phaseOf(r.Name); phase != "" && len(r.Patches) > 0 && !b.moves(r) { // helm alone would take back what the site patches
		return `MESHGEN_CONTEXT="$(kubectl config current-context)" charts/` + b.P.Name + "/install.sh --from " + phase + " --to " + phase
	}
	line := "helm upgrade --install " + r.Name + " " + r.HelmChart() + " --version " + b.versionThere(r) + " --namespace " + r.Namespace
	if b.moves(r) { // the installation would bring the release from before the upgrade
		return b.renderer(r, "; ") + line + b.kept(r) + b.postRenderer(r)
	}
	return line + " --values charts/" + b.P.Name + "/" + r.Name + "/values.yaml"
}

// moves reports whether steps of an upgrade under way change a release: the tree does not know how far they are.
func (b *book) moves(r *ir.Release) bool {
	return b.P.Upgrade != nil && slices.ContainsFunc(b.P.Upgrade.Steps, func(s ir.UpgradeStep) bool {
		return slices.ContainsFunc(s.Run, func(c ir.UpgradeCommand) bool { return c.Chart != nil && c.Chart.Name == r.Name })
	})
}

// BackFrom is the first of the steps that the way back of step i takes back besides: it brings a chart as the tree has it, and
// they have changed that, too. "" where there is none.
func (b *book) BackFrom(i int) string {
	steps := b.P.Upgrade.Steps
	charts := func(commands []ir.UpgradeCommand) (out []string) {
		for _, c := range commands {
			if c.Chart != nil {
				out = append(out, c.Chart.Name)
			}
		}
		return out
	}
	back := charts(steps[i].Back)
	for _, s := range steps[:i] {
		if slices.ContainsFunc(charts(s.Run), func(name string) bool { return slices.Contains(back, name) }) {
			return s.Name
		}
	}
	return ""
}

// versionThere is the version of a release: that which is installed, where an upgrade is under way (helm v3.19.0
// pkg/action/get_metadata.go; read 2026-11-22).
func (b *book) versionThere(r *ir.Release) string {
	if b.moves(r) {
		return `"$(helm -n ` + r.Namespace + " get metadata " + r.Name + ` -o json | jq -r .version)"`
	}
	return r.Version
}

// kept keeps the values of a release as the last step of an upgrade under way has left them.
func (b *book) kept(r *ir.Release) string {
	if b.moves(r) {
		return " --reuse-values"
	}
	return ""
}

// phaseOf is the phase of the installation that has a release; "" where none has.
func (b *book) phaseOf(release string) string {
	for _, phase := range b.P.Delivery.Phases {
		for _, c := range phase.Charts {
			if c.Release.Name == release {
				return phase.Name
			}
		}
	}
	return ""
}

// postRenderer are the arguments by which helm keeps what the site patches of a release, behind renderer; "" where it patches
// nothing.
func (b *book) postRenderer(r *ir.Release) string {
	if len(r.Patches) == 0 {
		return ""
	}
	return ` --post-renderer "$renderer" --post-renderer-args charts/` + b.P.Name + "/" + r.Name + "/patches"
}

// renderer is what a shell does first where the site patches a release, and what stands behind it: Helm 3 takes a program,
// Helm 4 a plugin.
func (b *book) renderer(r *ir.Release, end string) string {
	if len(r.Patches) == 0 {
		return ""
	}
	return "case $(helm version --short) in v3*) renderer=" + b.postRendererDir() + `/meshgen-patch/patch.sh ;; *) renderer=meshgen-patch; export HELM_PLUGINS="$PWD/` +
		b.postRendererDir() + `:$(helm env HELM_PLUGINS)" ;; esac` + end
}

func (b *book) postRendererDir() string { return "charts/" + b.P.Name + "/post-renderer" }

// Deployed is the command that shows which charts of a namespace are there.
func (b *book) Deployed(namespace string) string {
	if b.Argo {
		return "kubectl -n argocd get applications -l meshgen.dev/site=" + b.P.Name
	}
	return "helm -n " + namespace + " list"
}

// TakeAway is the command that takes the mesh's node agent away; as it ends it takes its configuration out of the CNI's folder.
func (b *book) TakeAway(namespace, release, daemonSet string) string {
	if b.Argo {
		return "kubectl -n " + namespace + " delete daemonset " + daemonSet
	}
	return "helm -n " + namespace + " uninstall " + release + " --wait"
}

// Retire are the commands that take an old control plane away: no delivery deletes what leaves the tree. A HelmRelease takes its
// chart along, a Kustomization and an Application leave what they have made (fluxcd.io, Kustomization deletionPolicy; argo-cd.readthedocs.io,
// App Deletion; read 2026-11-21).
func (b *book) Retire(release string) []string {
	switch {
	case b.Argo:
		app := b.P.Name + "-" + release
		return []string{
			"kubectl -n argocd patch application " + app + ` --type merge -p '{"metadata":{"finalizers":["resources-finalizer.argocd.argoproj.io"]}}'`,
			"kubectl -n argocd delete application " + app + "   # with its objects, by the finalizer",
		}
	case b.Flux:
		return []string{
			"kubectl -n flux-system delete kustomization.kustomize.toolkit.fluxcd.io chart-" + release,
			"kubectl -n flux-system delete helmrelease.helm.toolkit.fluxcd.io chart-" + release + "   # with its objects",
		}
	}
	return []string{"helm -n " + b.Mesh + " uninstall " + release}
}
