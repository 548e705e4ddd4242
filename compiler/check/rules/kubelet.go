package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// TaintTwice finds two taints that are one to Kubernetes.
var TaintTwice = &check.Rule{
	ID: "MG2118", Name: "taint-twice", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a class has two taints of one key and effect, or repeats the one of the control plane

The API server refuses such a node: it never joins. The taint of the control plane is added by itself.
Source: kubernetes pkg/apis/core/validation, validateNodeTaints.`,
	Run: func(p *check.Pass) {
		dist := p.Profiles.Distribution(p.Site.Kubernetes.Distribution)
		for name, c := range byKey(p.Site.NodeClasses) {
			path := site.Join("nodeClasses", name, "taints")
			first := map[string]int{}
			for i, t := range c.Taints {
				key, effect := splitTaint(t)
				at := path + "." + site.Index(i)
				if j, ok := first[key+":"+effect]; ok {
					p.Reportf(at, "class %q has taint %s, and %s has the same key and effect", name, t, c.Taints[j]).Hintf("each key and effect once").
						Related(path+"."+site.Index(j), "the other taint")
					continue
				}
				first[key+":"+effect] = i
				if dist != nil && c.ControlPlane && key == dist.ControlPlane.Taint.Key && effect == dist.ControlPlane.Taint.Effect {
					p.Reportf(at, "class %q has taint %s, which every control-plane node gets by itself", name, t).
						Related(site.Join("nodeClasses", name, "controlPlane"), "adds the taint").Hintf("leave it out")
				}
			}
		}
	},
}

// splitTaint cuts "key=value:Effect".
func splitTaint(t string) (key, effect string) {
	key, effect, _ = strings.Cut(t, ":")
	key, _, _ = strings.Cut(key, "=")
	return key, effect
}

// derivedLabels are the labels that nodes get from elsewhere, and where from.
var derivedLabels = map[string]string{
	"topology.kubernetes.io/region": "the site's region",
	"topology.kubernetes.io/zone":   "the rack's failureDomain",
	"meshgen.dev/rack":              "the rack's name",
	"meshgen.dev/class":             "the node's class",
	"kubernetes.io/hostname":        "the kubelet itself",
	"kubernetes.io/os":              "the kubelet itself",
	"kubernetes.io/arch":            "the kubelet itself",
}

// DerivedLabel finds a node label that says again, or otherwise, what follows from something else.
var DerivedLabel = &check.Rule{
	ID: "MG2119", Name: "derived-label", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a node declares a label that it gets from elsewhere

Two values for one key: which of them spreading and affinity see would depend on who came last.
Source: Kubernetes documentation, Well-Known Labels.`,
	Run: func(p *check.Pass) {
		for m := range machines(p.Site) {
			for key, value := range byKey(m.node.Labels) {
				from, ok := derivedLabels[key]
				if gateway, of := strings.CutPrefix(key, "meshgen.dev/gateway-"); of {
					from, ok = "where gateway "+quote(gateway)+" may run", true
				}
				if ok {
					p.Reportf(site.Join("racks", m.rack, "nodes", m.name, "labels", key), "node %q declares label %s: %q, which it gets from %s", m.name, key, value, from).
						Hintf("leave it out")
				}
			}
		}
	},
}

// ControlPlaneLabel finds a label of the control plane on another node.
var ControlPlaneLabel = &check.Rule{
	ID: "MG2120", Name: "control-plane-label", Severity: diag.Error, On: check.OnSite,
	Doc: `a node that is not of the control plane declares a label of the control plane

Programs find control-plane nodes by that label: they would look for etcd and the API server on this machine.
Source: Kubernetes documentation, Well-Known Labels.`,
	Run: func(p *check.Pass) {
		for m := range machines(p.Site) {
			if m.class == nil || m.class.ControlPlane {
				continue
			}
			for _, key := range []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"} {
				if _, ok := m.node.Labels[key]; ok {
					p.Reportf(site.Join("racks", m.rack, "nodes", m.name, "labels", key), "node %q declares label %s, and its class %q is not of the control plane", m.name, key, m.node.Class).Hintf("leave the label out; or a class with controlPlane: true").
						Related(site.Join("nodeClasses", m.node.Class), "its class")
				}
			}
		}
	},
}
