package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Workloads of Cilium's chart (1.20.2 install/kubernetes/cilium/templates/cilium-agent, cilium-operator, cilium-envoy).
const (
	ciliumAgent    = "daemonset/cilium"
	ciliumOperator = "deployment/cilium-operator"
	ciliumProxy    = "daemonset/cilium-envoy"
)

// Names of values of the upgrade alone.
const (
	ciliumPreflight = "cilium-preflight" // also of its release
	ciliumAgents    = "cilium-agents"
)

// ciliumUpgrade is the way of the pod network to another release: first what the new one needs is pulled to every node and
// the policies are read by it, then agents and operator change, then the proxies. Proxies that are a DaemonSet of their own
// live on while agents restart, so that requests are cut off in the last step alone (cilium/cilium v1.20.2
// Documentation/operations/upgrade.rst, Documentation/security/network/proxy/envoy.rst, read 2026-11-21).
func ciliumUpgrade(l *lowering) *ir.Upgrade {
	to := l.s.Mesh.Upgrade.To
	u := &ir.Upgrade{
		Running: l.s.Kubernetes.CNI.Version, To: to, After: `kubernetes: cni: version: "` + to + `"`,
		From: ir.From{"mesh.upgrade", "mesh.kind", "kubernetes.cni"},
	}
	if l.s.Mesh.Version != "" {
		u.After += `, mesh: version: "` + to + `"`
		u.From = append(u.From, "mesh.version")
	}
	next := l.chartAt(podNetwork, to, l.set.CNI("cilium").Release(to).Chart.Repository)
	next.Images = nil // they stand in the values of the tree
	preflight := next
	preflight.Name, preflight.Images, preflight.Patches, preflight.Objects = ciliumPreflight, nil, nil, nil
	l.mirrorRelease(&preflight, registryCharts[ciliumPreflight])
	u.Values = []ir.UpgradeValues{{Name: ciliumPreflight, Release: preflight}, {Name: ciliumAgents, Release: next}}
	all := rolledOut(ciliumNamespace, ciliumAgent, ciliumOperator, ciliumProxy)
	agents := rolledOut(ciliumNamespace, ciliumAgent, ciliumOperator)
	// Of a DaemonSet whose pods change by deletion kubectl tells no rollout.
	well := append(slices.Clone(agents), command("kubectl --namespace "+ciliumNamespace+" wait --for condition=Ready pods --selector k8s-app=cilium-envoy"))
	uninstall := command("helm uninstall " + ciliumPreflight + " --ignore-not-found --wait --namespace " + ciliumNamespace)
	values := []string{valuesOf(podNetwork), upgradeValues(ciliumAgents)}
	u.Steps = []ir.UpgradeStep{
		{
			Name: "preflight", Before: well, From: u.From,
			Doc: "Pulls the new images to every node, and has the new release read every policy of the cluster. Nothing that runs changes, and what the step installs it takes away again. Where it waits in vain, the log of deployment/cilium-pre-flight-check names the policy.",
			Run: append(append([]ir.UpgradeCommand{{Chart: &u.Values[0].Release, Values: []string{upgradeValues(ciliumPreflight)}}},
				rolledOut(ciliumNamespace, "daemonset/cilium-pre-flight-check", "deployment/cilium-pre-flight-check")...), uninstall),
			Back: []ir.UpgradeCommand{uninstall},
		},
		{
			Name: "agents", Before: well, From: u.From,
			Doc:  "The operator, which brings the new kinds of objects, and the agents, two nodes at a time. Connections and policies hold; what changes on a node while its agent restarts holds a little later. The proxies stay as they are. Wait an hour of ordinary load after it.",
			Look: "No alert of the pod network, and no node that is not ready.",
			Run:  append([]ir.UpgradeCommand{{Chart: &u.Values[1].Release, Values: values}}, agents...),
			Back: append([]ir.UpgradeCommand{l.installed(podNetwork)}, all...),
		},
		{
			Name: "proxies", Before: append(slices.Clone(well),
				command("kubectl --namespace "+ciliumNamespace+" exec "+ciliumAgent+" --container cilium-agent -- cilium-dbg status --brief")), From: u.From,
			Doc:  "The proxy of each node, two nodes at a time: requests at gateways and at services with rules of layer 7 that are under way there are cut off.",
			Look: "An hour in which cut requests hurt least.",
			Run:  append([]ir.UpgradeCommand{{Chart: &u.Values[1].Release, Values: values[:1]}}, rolledOut(ciliumNamespace, ciliumProxy)...),
			Back: append([]ir.UpgradeCommand{l.installed(podNetwork)}, all...),
		},
	}
	return u
}
