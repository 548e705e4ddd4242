package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// IsolationServers finds nodes that cannot keep the time of a site that is cut off.
var IsolationServers = &check.Rule{
	ID: "MG3107", Name: "isolation-servers", Severity: diag.Error, On: check.OnSite,
	Doc: `time.isolation.servers names nodes that cannot keep the time of a site that is cut off

A node that does not exist serves nobody. One node alone drifts unseen and is missed when it is down; and on ordinary
workers the orphan mode makes a clock look healthy that follows nothing: these two are warnings.
Source: chrony documentation, local and orphan; measured with all sources dead.`,
	Run: func(p *check.Pass) {
		iso := p.Site.Time.Isolation
		if iso == nil {
			return
		}
		nodes := map[string]machine{}
		for m := range machines(p.Site) {
			nodes[m.name] = m
		}
		for i, name := range iso.Servers {
			path := site.Join("time", "isolation", "servers", site.Index(i))
			m, ok := nodes[name]
			switch {
			case !ok:
				p.Reportf(path, "node %q, which keeps the time of the isolated site, does not exist", name).
					Hintf("control-plane nodes are a good choice: few, and watched")
			case slices.Index(iso.Servers, name) < i:
				p.Reportf(path, "node %q is named twice", name).Hintf("each node once").
					Related(site.Join("time", "isolation", "servers", site.Index(slices.Index(iso.Servers, name))), "first named here")
			case m.class != nil && !m.class.ControlPlane && len(m.class.Refclocks) == 0 && !slices.Contains(p.Site.Racks[m.rack].TimeServers, name):
				p.Reportf(path, "node %q, which keeps the time of the isolated site, is an ordinary worker of class %q", name, m.node.Class).
					Related(m.path+".class", "its class").Hintf("name control-plane nodes, or nodes in timeServers of their rack").Warning()
			}
		}
		if len(iso.Servers) == 1 {
			p.Reportf("time.isolation.servers", "node %q keeps the time of the isolated site alone", iso.Servers[0]).
				Hintf("name two or three").Warning()
		}
	},
}

// OrphanStratum finds a stratum at which an isolated site is mistaken for a real source, or not followed.
var OrphanStratum = &check.Rule{
	ID: "MG3108", Name: "orphan-stratum", Severity: diag.Warning, On: check.OnSite,
	Doc: `the stratum of the isolated site is that of real servers, or leaves none for those behind it

Below 5 a clock that follows nothing looks as good as a server of the outside. From 14 on, nodes two steps away would
be at stratum 16, which means unsynchronised.
Source: RFC 5905, section 7.3: stratum 16; chrony documentation, local stratum.`,
	Run: func(p *check.Pass) {
		iso := p.Site.Time.Isolation
		if iso == nil {
			return
		}
		path := "time.isolation.orphanStratum"
		switch {
		case iso.OrphanStratum < 5:
			p.Reportf(path, "orphan stratum %d is one that real time servers have", iso.OrphanStratum).Fix(path, "10", "write 10")
		case iso.OrphanStratum >= 14:
			p.Reportf(path, "orphan stratum %d puts nodes two steps away at %d, and 16 is unsynchronised", iso.OrphanStratum, iso.OrphanStratum+2).Fix(path, "10", "write 10")
		}
	},
}

// TimeServers finds nodes that cannot serve time to a rack.
var TimeServers = &check.Rule{
	ID: "MG3109", Name: "rack-time-servers", Severity: diag.Error, On: check.OnSite,
	Doc: `a rack's timeServers name a node that is not there

Nodes of the rack would ask a machine that does not exist or stands in another rack, and do without it when the rack is
cut off, which is when they need it.
Source: the language itself.`,
	Run: func(p *check.Pass) {
		where := map[string]string{}
		for m := range machines(p.Site) {
			where[m.name] = m.rack
		}
		for rn, r := range byKey(p.Site.Racks) {
			for i, name := range r.TimeServers {
				path := site.Join("racks", rn, "timeServers", site.Index(i))
				rack, ok := where[name]
				switch {
				case !ok:
					p.Reportf(path, "node %q, which serves time to rack %q, does not exist", name, rn).Hintf("nodes of the rack: %s", keys(r.Nodes))
				case r.Nodes[name] == nil:
					p.Reportf(path, "node %q, which serves time to rack %q, stands in rack %q", name, rn, rack).
						Related(site.Join("racks", rack, "nodes", name), "the node").Hintf("nodes of the rack: %s", keys(r.Nodes))
				case slices.Index(r.TimeServers, name) < i:
					p.Reportf(path, "node %q is named twice", name).Hintf("each node once").
						Related(site.Join("racks", rn, "timeServers", site.Index(slices.Index(r.TimeServers, name))), "first named here")
				}
			}
		}
	},
}

// RefclockAlone finds reference clocks that serve nobody.
var RefclockAlone = &check.Rule{
	ID: "MG3110", Name: "refclock-alone", Severity: diag.Note, On: check.OnSite,
	Doc: `a class has reference clocks, and none of its nodes serves time to others

A good clock in a machine disciplines that machine only, unless others are told to ask it.
Source: chrony documentation, refclock and allow.`,
	Run: func(p *check.Pass) {
		serves := map[string]bool{}
		if iso := p.Site.Time.Isolation; iso != nil {
			for _, name := range iso.Servers {
				serves[name] = true
			}
		}
		nodes, serving := map[string]int{}, map[string]bool{}
		for m := range machines(p.Site) {
			nodes[m.node.Class]++
			if serves[m.name] || slices.Contains(p.Site.Racks[m.rack].TimeServers, m.name) {
				serving[m.node.Class] = true
			}
		}
		for name, c := range byKey(p.Site.NodeClasses) {
			if len(c.Refclocks) > 0 && nodes[name] > 0 && !serving[name] {
				p.Reportf(site.Join("nodeClasses", name, "refclocks"), "class %q has reference clocks, and none of its %d nodes serves time to others", name, nodes[name]).
					Hintf("name nodes of it in timeServers of their racks")
			}
		}
	},
}

// RefclockTwice finds one device behind two reference clocks.
var RefclockTwice = &check.Rule{
	ID: "MG3111", Name: "refclock-twice", Severity: diag.Error, On: check.OnSite,
	Doc: `a class has two reference clocks on one device

One clock would vote twice, and be believed against the others when it is wrong.
Source: chrony documentation, refclock.`,
	Run: func(p *check.Pass) {
		for name, c := range byKey(p.Site.NodeClasses) {
			first := map[string]int{}
			for i, r := range c.Refclocks {
				path := func(i int) string { return site.Join("nodeClasses", name, "refclocks", site.Index(i), "device") }
				if j, ok := first[r.Device]; ok {
					p.Reportf(path(i), "class %q has two reference clocks on %s", name, r.Device).Hintf("each device once").Related(path(j), "first named here")
					continue
				}
				first[r.Device] = i
			}
		}
	},
}
