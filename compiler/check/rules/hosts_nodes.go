package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// NoControlPlane finds a cluster without a control plane.
var NoControlPlane = &check.Rule{
	ID: "MG2113", Name: "no-control-plane", Severity: diag.Error, On: check.OnSite,
	Doc: `no node runs the control plane

Policies that admit the API server would name nobody, and nodes that must announce nothing would not be known.
Source: Kubernetes documentation, Cluster Architecture.`,
	Run: func(p *check.Pass) {
		nodes := 0
		for m := range machines(p.Site) {
			if m.class == nil || m.class.ControlPlane {
				return // a class that does not exist is found elsewhere
			}
			nodes++
		}
		if nodes > 0 {
			p.Reportf("nodeClasses", "none of the %d nodes is of a class with controlPlane: true", nodes).
				Hintf("write controlPlane: true in the class of the control-plane nodes; classes: %s", keys(p.Site.NodeClasses))
		}
	},
}

// ControlPlaneCount finds a number of control-plane nodes that etcd makes nothing of.
var ControlPlaneCount = &check.Rule{
	ID: "MG2114", Name: "control-plane-count", Severity: diag.Warning, On: check.OnSite,
	Doc: `the control plane has an even number of nodes, or a single one in production

etcd needs a majority: two members survive the loss of none, four that of one, as three do, and one more member is one
more that can fail. With a single node every restart of it takes the API away.
Source: etcd documentation, FAQ: why an odd number of cluster members.`,
	Run: func(p *check.Pass) {
		planes, last := 0, machine{}
		for m := range machines(p.Site) {
			if m.class != nil && m.class.ControlPlane {
				planes++
				last = m
			}
		}
		switch {
		case planes == 1 && p.Site.Environment == "production":
			p.Reportf(last.path+".class", "%q is the only control-plane node of a production site", last.name).
				Related("environment", "what the site is for").Hintf("three nodes survive the loss of one")
		case planes > 0 && planes%2 == 0:
			p.Reportf(last.path+".class", "%d control-plane nodes survive the loss of %d, no more than %d would; %q is the last of them", planes, planes/2-1, planes-1, last.name).
				Hintf("make it %d or %d", planes-1, planes+1)
		}
	},
}

// ControlPlaneTogether finds a control plane that is lost with one failure domain.
var ControlPlaneTogether = &check.Rule{
	ID: "MG2115", Name: "control-plane-together", Severity: diag.Warning, On: check.OnSite,
	Doc: `losing one failure domain takes the majority of the control plane, and the site could do better

The rest of the site runs on without an API: no pod is moved away from what is gone.
Source: Kubernetes documentation, Running in multiple zones.`,
	Run: func(p *check.Pass) {
		if p.Site.Environment != "production" {
			return
		}
		domains, planes, total := map[string]bool{}, map[string]int{}, 0
		last := map[string]machine{}
		for m := range machines(p.Site) {
			domain := p.Site.Racks[m.rack].FailureDomain
			domains[domain] = true
			if m.class != nil && m.class.ControlPlane {
				planes[domain]++
				total++
				last[domain] = m
			}
		}
		for domain, n := range byKey(planes) {
			// With two domains one of them holds the majority, however the nodes are spread.
			if total < 3 || n <= total-(total/2+1) || n < total && len(domains) < 3 || len(domains) < 2 {
				continue
			}
			m := last[domain]
			p.Reportf(m.path+".class", "%d of %d control-plane nodes are in failure domain %q; %q is the last of them", n, total, domain, m.name).
				Related(site.Join("racks", m.rack, "failureDomain"), "the failure domain of its rack").
				Hintf("spread them over the %d failure domains of the site", len(domains))
		}
	},
}

// NoWorker finds a site on which no ordinary pod can run.
var NoWorker = &check.Rule{
	ID: "MG2116", Name: "no-worker", Severity: diag.Error, On: check.OnSite,
	Doc: `no node takes ordinary pods

Control-plane nodes take them only with schedulable: true. Everything that is not made for one class of nodes stays
Pending, DNS first. Where taints alone keep pods away it is a warning: workloads may tolerate them.
Source: Kubernetes documentation, Taints and Tolerations.`,
	Run: func(p *check.Pass) {
		nodes, tainted := 0, 0
		for m := range machines(p.Site) {
			switch {
			case m.class == nil:
				return
			case !takesPods(m.class):
			case repels(m.class):
				tainted++
			default:
				return
			}
			nodes++
		}
		switch {
		case nodes == 0:
		case tainted == 0:
			p.Reportf("nodeClasses", "no class takes ordinary pods: all %d nodes are of the control plane or not schedulable", nodes).
				Hintf("add worker nodes, or write schedulable: true")
		default:
			p.Reportf("nodeClasses", "each class that takes ordinary pods has a taint that keeps them away").
				Hintf("leave taints out where ordinary pods run").Warning()
		}
	},
}

// repels reports whether a class has a taint that keeps pods from being scheduled.
func repels(c *site.NodeClass) bool {
	for _, t := range c.Taints {
		if _, effect := splitTaint(t); effect != "PreferNoSchedule" {
			return true
		}
	}
	return false
}

// UnusedClass finds a class without machines.
var UnusedClass = &check.Rule{
	ID: "MG2117", Name: "unused-node-class", Severity: diag.Note, On: check.OnSite,
	Doc: `a node class has no node

Nothing is made for it. Perhaps its nodes name another class.
Source: the language itself.`,
	Run: func(p *check.Pass) {
		used := map[string]bool{}
		for m := range machines(p.Site) {
			used[m.node.Class] = true
		}
		for name := range byKey(p.Site.NodeClasses) {
			if !used[name] {
				p.Reportf(site.Join("nodeClasses", name), "no node is of class %q", name)
			}
		}
	},
}
