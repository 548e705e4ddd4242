package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// linkerdUpgrade is the way of Linkerd to another release, in the order of its own guide: the kinds, the plug-in, the control
// plane, what joins sites, and then the proxies, which the injector gives to pods that start. Root and intermediate are
// those that were: they come from outside of the charts. Proxies of the old release work with the new control plane
// (linkerd.io, upgrading Linkerd: the control plane may be a release ahead of proxies, never behind; CRDs before it, the
// command before all; linkerd/linkerd2 edge-26.6.3 cli/cmd/check.go, version.go). Nothing of linkerd prune is needed: Helm
// takes away what a chart has no more. Both read 2026-11-21.
func linkerdUpgrade(l *lowering) *ir.Upgrade {
	to, m := l.s.Mesh.Upgrade.To, &l.p.Mesh
	c := l.meshProfile().Release(to).Charts
	from := ir.From{"mesh.upgrade", "mesh.kind", "mesh.version"}
	u := &ir.Upgrade{Running: m.Version, To: to, After: `mesh: version: "` + to + `"`, From: from}
	well := []ir.UpgradeCommand{command("linkerd check")}
	step := func(name, doc, look string, before []ir.UpgradeCommand, release string, waits []ir.UpgradeCommand) *ir.UpgradeStep {
		r := l.chartAt(release, c.Version, c.Repository)
		u.Steps = append(u.Steps, ir.UpgradeStep{Name: name, Doc: doc, Look: look, Before: before, From: from,
			Run:  append([]ir.UpgradeCommand{{Chart: &r, Values: []string{valuesOf(release)}}}, waits...),
			Back: append([]ir.UpgradeCommand{l.installed(release)}, waits...)})
		return &u.Steps[len(u.Steps)-1]
	}
	var kinds []ir.UpgradeCommand
	for _, kind := range []string{"servers", "authorizationpolicies", "meshtlsauthentications", "networkauthentications"} {
		kinds = append(kinds, command("kubectl wait --for condition=Established customresourcedefinition/"+kind+"."+linkerdPolicy))
	}
	step("kinds", "The kinds of its objects, which both releases read. Nothing that runs changes. The way back is open until the control plane has changed.",
		"The command linkerd is that of the new release, and no proxy is older than the control plane that runs: the first check lists all three. Where one is, its workload restarts first, or it would be two releases behind.",
		[]ir.UpgradeCommand{command("linkerd version --proxy"), well[0], command("linkerd check --proxy")}, c.Base, kinds)
	step("plug-in", "The plug-in of the pod network, node by node. Pods that run keep their redirection; one that starts on a node whose agent restarts waits, and is started again.",
		"No rollout of workloads under way.", well, c.CNI, rolledOut(linkerdCNINamespace, "daemonset/linkerd-cni"))
	control := rolledOut(m.Namespace, "deployment/linkerd-identity", "deployment/linkerd-destination", "deployment/linkerd-proxy-injector")
	changed := step("control-plane", "Authority, discovery and injector, pod by pod. Proxies go on with what they know and with the certificates that they have; pods that start from here on have the new proxy. Root and intermediate stay as they are. Where it is taken back and namespaces have restarted already, their proxies are ahead of it: they are taken back next.",
		"No alert on certificates of the mesh, and no workload that has to start in this hour.",
		append(slices.Clone(well), command("kubectl --namespace "+m.Namespace+" get configmap "+linkerdRootsName), command("kubectl --namespace "+m.Namespace+" get secret "+m.CA.IssuerSecret)),
		c.Control, append(slices.Clone(control), well...))
	l.sidecarsTurn(u, changed)
	if l.p.Federation != nil {
		var controllers []string
		for _, p := range l.p.Federation.Peers {
			controllers = append(controllers, "deployment/controller-"+p.Name)
		}
		step("sites", "The controllers that make Services of other sites known here. What is known stays known while they restart.", "",
			append(slices.Clone(well), command("linkerd multicluster check")), linkerdMulticluster, rolledOut(linkerdMulticluster, controllers...))
	}
	namespaces := l.namespacesWithProxies()
	order := ir.From{"environment"}
	for _, n := range namespaces {
		order = append(order, n.From.Of("environment")...)
	}
	for _, n := range namespaces {
		if s := l.proxiesAnew(n, control, slices.Concat(from, n.From, order)); len(s.Run) > 0 { // nothing that the site knows runs there
			u.Steps = append(u.Steps, s)
		}
	}
	u.From = append(u.From, order...)
	return u
}

// proxiesAnew restarts the workloads of a namespace. Machines outside the cluster run a proxy that somebody else has to
// replace; of a namespace with nothing else, linkerd check would miss pods.
func (l *lowering) proxiesAnew(n ir.Namespace, well []ir.UpgradeCommand, from ir.From) ir.UpgradeStep {
	gateway := slices.ContainsFunc(l.p.Gateways, func(g ir.Gateway) bool { return g.Namespace == n.Name })
	in := func(machine bool) bool {
		return slices.ContainsFunc(l.p.Services, func(s ir.Service) bool { return s.Namespace == n.Name && (s.Workload == ir.Machine) == machine })
	}
	s := ir.UpgradeStep{Name: "proxies-" + n.Name, From: from, Before: slices.Clone(well),
		Doc:  "The workloads of namespace " + n.Name + " restart, as their own budgets allow, and have the new proxies then. A Job has them when it starts again. The way back gives them proxies of the old release only when step control-plane was taken back.",
		Look: "An hour of ordinary load since the step before, with no alert PolicyRefuses."}
	if gateway || in(false) {
		look := command("linkerd check --proxy --namespace " + n.Name)
		s.Back = append([]ir.UpgradeCommand{command("kubectl --namespace " + n.Name + " rollout restart deployment,statefulset,daemonset")},
			rolledOut(n.Name, "deployment,statefulset,daemonset")...)
		s.Before, s.Run = append(s.Before, look), append(slices.Clone(s.Back), look)
	}
	if in(true) {
		s.Doc += " Its machines outside the cluster run a proxy of their own: whoever keeps them replaces it, one machine after the other, and the list shows when each is ready again."
		s.Run = append(s.Run, command("kubectl --namespace "+n.Name+" get externalworkload"))
	}
	return s
}

// sidecarsTurn has the control plane make native sidecars where the next release does so by itself and the one that runs does
// not. The tree says it when all is done; until then a file beside it does, so that workloads restart once for both.
func (l *lowering) sidecarsTurn(u *ir.Upgrade, control *ir.UpgradeStep) {
	if l.p.Mesh.NativeSidecars || !l.meshProfile().NativeSidecars(u.To, l.p.Cluster.Minor) {
		return
	}
	over := *control.Run[0].Chart
	over.Images, over.Patches = nil, nil // they stand in the values of the tree
	over.From = append(over.From[:len(over.From):len(over.From)], "kubernetes.version")
	u.Values = append(u.Values, ir.UpgradeValues{Name: linkerdSidecars, Release: over})
	control.Run[0].Values = append(control.Run[0].Values, upgradeValues(linkerdSidecars))
	control.From = append(control.From[:len(control.From):len(control.From)], "kubernetes.version")
	control.Doc += " Proxies are native sidecars then: they start before init containers, whose traffic they take, and a Job ends."
}

// linkerdSidecars are the values of sidecarsTurn.
const linkerdSidecars = "linkerd-sidecars"

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
