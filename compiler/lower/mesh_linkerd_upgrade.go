package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// linkerdUpgrade is the way of Linkerd to another release, in the order of its own guide: the kinds, the plug-in, the control
// plane, what joins sites, and then the proxies, which the injector gives to pods that start. Root and intermediate are
// those that were: they come from outside of the charts. Proxies of the old release work with the new control plane
// (linkerd.io, upgrading Linkerd: the control plane may be a release ahead of proxies, never behind; CRDs before it;
// linkerd/linkerd2 edge-26.6.3 cli/cmd/check.go; read 2026-11-21).
func linkerdUpgrade(l *lowering) *ir.Upgrade {
	to, m := l.s.Mesh.Upgrade.To, &l.p.Mesh
	row := l.meshProfile().Release(to)
	c := row.Charts
	from := ir.From{"mesh.upgrade", "mesh.kind", "mesh.version"}
	u := &ir.Upgrade{Running: m.Version, To: to, After: `mesh: version: "` + to + `"`, From: from}
	well := []ir.UpgradeCommand{command("linkerd check")}
	chart := func(name string) ir.UpgradeCommand {
		r := l.chartAt(name, c.Version, c.Repository)
		return ir.UpgradeCommand{Chart: &r, Values: []string{valuesOf(name)}}
	}
	step := func(name, doc, look string, before []ir.UpgradeCommand, release string, waits []ir.UpgradeCommand) {
		u.Steps = append(u.Steps, ir.UpgradeStep{Name: name, Doc: doc, Look: look, Before: before, From: from,
			Run: append([]ir.UpgradeCommand{chart(release)}, waits...), Back: append([]ir.UpgradeCommand{l.installed(release)}, waits...)})
	}
	var kinds []ir.UpgradeCommand
	for _, kind := range []string{"servers", "authorizationpolicies", "meshtlsauthentications", "networkauthentications"} {
		kinds = append(kinds, command("kubectl wait --for condition=Established customresourcedefinition/"+kind+"."+linkerdPolicy))
	}
	step("kinds", "The kinds of its objects. Nothing that runs changes. The way back is open until the control plane has changed.", "", well, c.Base, kinds)
	step("plug-in", "The plug-in of the pod network, node by node. Pods that run keep their redirection; one that starts on a node whose agent restarts waits, and is started again.",
		"No rollout of workloads under way.", well, c.CNI, rolledOut(linkerdCNINamespace, "daemonset/linkerd-cni"))
	control := rolledOut(m.Namespace, "deployment/linkerd-identity", "deployment/linkerd-destination", "deployment/linkerd-proxy-injector")
	step("control-plane", "Authority, discovery and injector, pod by pod. Proxies go on with what they know and with the certificates that they have; pods that start from here on have the new proxy. The root stays: all proxies trust both.",
		"No alert on certificates of the mesh, and no workload that has to start in this hour.",
		append(slices.Clone(well), command("kubectl --namespace "+m.Namespace+" get configmap "+linkerdRootsName), command("kubectl --namespace "+m.Namespace+" get secret "+m.CA.IssuerSecret)), c.Control, control)
	if l.p.Federation != nil {
		var controllers []string
		for _, p := range l.p.Federation.Peers {
			controllers = append(controllers, "deployment/controller-"+p.Name)
		}
		step("sites", "The controllers that make Services of other sites known here. What is known stays known while they restart.", "",
			append(slices.Clone(well), command("linkerd multicluster check")), linkerdMulticluster, rolledOut(linkerdMulticluster, controllers...))
	}
	for _, n := range l.namespacesWithProxies() {
		restart := append([]ir.UpgradeCommand{command("kubectl --namespace " + n.Name + " rollout restart deployment,statefulset,daemonset")},
			rolledOut(n.Name, "deployment,statefulset,daemonset")...)
		look := command("linkerd check --proxy --namespace " + n.Name)
		u.Steps = append(u.Steps, ir.UpgradeStep{Name: "proxies-" + n.Name, From: slices.Concat(from, n.From),
			Doc:    "The workloads of namespace " + n.Name + " restart, as their own budgets allow, and have the new proxies then. A Job has them when it starts again.",
			Look:   "After it, an hour of ordinary load with no alert PolicyRefuses, before the next namespace. The way back gives them proxies of the old release only when step control-plane was taken back.",
			Before: append(slices.Clone(control), look), Run: append(slices.Clone(restart), look), Back: restart})
	}
	return u
}

// linkerdRootsName is the ConfigMap with every root that proxies trust, whatever a site calls its own.
const linkerdRootsName = "linkerd-identity-trust-roots"

// namespacesWithProxies are those whose pods have proxies, those of production last.
func (l *lowering) namespacesWithProxies() []ir.Namespace {
	var first, last []ir.Namespace
	for _, n := range l.p.Namespaces {
		gateway := slices.ContainsFunc(l.p.Gateways, func(g ir.Gateway) bool { return g.Namespace == n.Name })
		switch {
		case !gateway && (n.Purpose != "services" || !n.Meshed):
		case n.Environment == "production" || gateway:
			last = append(last, n)
		default:
			first = append(first, n)
		}
	}
	return append(first, last...)
}
