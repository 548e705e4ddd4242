package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// patchRules are the rules about the site's own patches.
var patchRules = []*check.Rule{
	PatchUnreadable,
	PatchTarget,
	PatchFails,
	PatchByHand,
	PatchPolicy,
	PatchMany,
	PatchBuildOption,
}

// patchAt is the place of a field of a patch.
func patchAt(i int, field string) string { return site.Join("patches", site.Index(i), field) }

// PatchUnreadable finds patches that are none.
var PatchUnreadable = &check.Rule{
	ID: "MG8250", Name: "patch-unreadable", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a patch is neither a list of operations nor a part of an object

kustomize takes two forms: operations of RFC 6902, and a part of the object that is laid over it. What is neither stops
the build of a whole phase.
Source: kustomize, patches; RFC 6902.`,
	Run: func(p *check.Pass) {
		for i, x := range p.Site.Patches {
			if _, err := x.Read(); err != nil {
				p.Reportf(patchAt(i, "patch"), "the patch of %s %q is none: %v", x.Target.Kind, x.Target.Name, err).
					Hintf(`"- {op: add, path: /spec/field, value: 1}" or "spec: {field: 1}"`)
			}
		}
	},
}

// PatchTarget finds patches that change nothing.
var PatchTarget = &check.Rule{
	ID: "MG8251", Name: "patch-target", Severity: diag.Error, On: check.OnTree,
	Doc: `a patch aims at an object that is not there

Neither the overlay has such an object, nor does a chart of the site always make it. kustomize says nothing of a patch
without a target: what it was to change stays as it is.
Source: kustomize, patches; templates of the charts.`,
	Run: func(p *check.Pass) {
		objects := chartObjects(p)
		for i, x := range p.Site.Patches {
			if len(p.Patched[i].Targets) > 0 || p.Plan.Patches[i].Charts {
				continue
			}
			r := p.Reportf(patchAt(i, "target"), "there is no %s %q to patch", x.Target.Kind, x.Target.Name)
			near := slices.Clone(p.Patched[i].Near)
			for _, o := range objects {
				if o.kind == x.Target.Kind {
					near = append(near, o.name)
				}
			}
			if len(near) > 0 {
				slices.Sort(near)
				r.Hintf("there are: %s", some(slices.Compact(near), ", "))
			} else {
				r.Hintf("no object of the overlay, and none that its charts always make, is a %s", x.Target.Kind)
			}
		}
	},
}

// PatchFails finds patches that kustomize does not apply, or that take away what the tree speaks of.
var PatchFails = &check.Rule{
	ID: "MG8252", Name: "patch-fails", Severity: diag.Error, On: check.OnTree,
	Doc: `a patch cannot be applied to its target, or does not leave the object that was there

A build stops at an operation whose path is not there, and with it the whole phase. An object that a patch deletes or
renames is still named by others.
Source: kustomize, patches; RFC 6902, 4.`,
	Run: func(p *check.Pass) {
		for i, x := range p.Site.Patches {
			if err := p.Patched[i].Err; err != "" {
				p.Reportf(patchAt(i, "patch"), "the patch of %s %q fails: %s", x.Target.Kind, x.Target.Name, err).Hintf("mend the patch: it is read as kustomize reads it, against the objects that a build prints")
			}
		}
	},
}

// PatchByHand finds patches of objects that no kustomization brings.
var PatchByHand = &check.Rule{
	ID: "MG8253", Name: "patch-of-nodes", Severity: diag.Error, On: check.OnTree,
	Doc: `a patch aims at an object of the phase of the nodes

The installation applies those one by one, without kustomize, so as not to take from a node what others have set: the
patch would never arrive.`,
	Run: func(p *check.Pass) {
		for i, x := range p.Site.Patches {
			for _, t := range p.Patched[i].Targets {
				if folder, _, _ := strings.Cut(t, ":"); folder == "00-nodes" {
					p.Reportf(patchAt(i, "target"), "%s %q is applied without kustomize: the patch would never arrive", x.Target.Kind, x.Target.Name).
						Hintf("labels and taints: nodeClasses or racks.*.nodes")
					break
				}
			}
		}
	},
}

// policyKinds decide who may reach whom.
var policyKinds = []string{
	"AuthorizationPolicy", "CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy", "EnvoyFilter", "JWTProvider", "MeshTLSAuthentication", "Namespace", "NetworkAuthentication",
	"NetworkPolicy", "PeerAuthentication", "RequestAuthentication", "Server", "ServiceDefaults", "ServiceIntentions", "Sidecar",
}

// PatchPolicy finds patches of what decides who may reach whom.
var PatchPolicy = &check.Rule{
	ID: "MG8254", Name: "patch-of-policy", Severity: diag.Warning, On: check.OnSite,
	Doc: `a patch changes an object that decides who may reach whom

The policy of a site is closed: callers are those that the site declares. Behind a patch of it the documents, the checks
and whoever reviews the site still say so, and the cluster does otherwise.`,
	Run: func(p *check.Pass) {
		for i, x := range p.Site.Patches {
			if slices.Contains(policyKinds, x.Target.Kind) {
				p.Reportf(patchAt(i, "target"), "the patch of %s %q decides who may reach whom, and nothing else of the site says so", x.Target.Kind, x.Target.Name).
					Hintf("calls, allow and expose of a service say who its callers are")
			}
		}
	},
}

// PatchMany finds patches with several targets.
var PatchMany = &check.Rule{
	ID: "MG8255", Name: "patch-of-many", Severity: diag.Warning, On: check.OnTree,
	Doc: `a patch aims at several objects of one name

A target is a kind and a name, in every namespace. What is meant for one of them changes the others as well.
Source: kustomize, patches: target.`,
	Run: func(p *check.Pass) {
		for i, x := range p.Site.Patches {
			if t := p.Patched[i].Targets; len(t) > 1 {
				p.Reportf(patchAt(i, "target"), "%d objects are a %s %q: %s", len(t), x.Target.Kind, x.Target.Name, some(t, ", "))
			}
		}
	},
}

// PatchBuildOption finds patches of what charts make that have Argo CD built otherwise.
var PatchBuildOption = &check.Rule{
	ID: "MG8256", Name: "patch-needs-build-option", Severity: diag.Warning, On: check.OnPlan,
	Doc: `Argo CD has to render a chart by kustomize, for the patch of an object of it

Argo CD patches what a chart makes in one way: kustomize renders the chart, with the build option --enable-helm of
argocd-cm. It holds for every Application that is built by kustomize, and kustomize loads the chart without the
credentials that Argo CD keeps for its repository.
Source: argo-cd v3.4.2 docs/user-guide/kustomize.md, util/kustomize/kustomize.go; kustomize v5.8 HelmChartInflationGenerator.`,
	When: func(p *check.Pass) bool { return len(p.Site.Patches) > 0 && p.Site.Delivery.Kind == ir.ArgoCD },
	Run: func(p *check.Pass) {
		if p.Site.Delivery.Kind != ir.ArgoCD {
			return
		}
		for i, x := range p.Plan.Patches {
			if x.Charts {
				p.Reportf(patchAt(i, "target"), "%s %q is a chart's: Argo CD renders that by kustomize, with --enable-helm for all Applications", x.Kind, x.Name).
					Related("delivery.kind", "Argo CD").Hintf("a value of the chart needs no patch, where the language has it")
			}
		}
	},
}

// chartObject is an object of a chart by its kind and name.
type chartObject struct{ kind, name string }

// chartObjects are those of the site's charts that a patch may aim at.
func chartObjects(p *check.Pass) []chartObject {
	var out []chartObject
	for _, r := range p.Plan.Releases {
		for _, o := range r.Objects {
			out = append(out, chartObject{o.Kind, o.Name})
		}
	}
	return out
}
