package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// changeRules judge a change: they read the plan from before as well.
var changeRules = []*check.Rule{RackRenumbered, StrictBeforeMeshed, PoolTakenAway, MeshSwapped, ChangeOverBudget, RevisionBeforeControlPlane, EncryptionChanged}

// RackRenumbered finds a rack that no session of which survives a change.
var RackRenumbered = &check.Rule{
	ID: "MG9010", Name: "rack-renumbered", Severity: diag.Error, On: check.OnPlan, Against: true,
	Doc: `all sessions of a rack get other AS numbers or addresses in one change

Each session is down from the moment when its first end changes until its second one has. Who delivers the objects of the
cluster does so for all of them at once, switches are changed one by one: in between, the rack announces nothing, and every
gateway pod in it is lost. With one switch first, the other carries the rack.
Source: RFC 4271, sections 4.2 and 6.2: an OPEN from another AS than the configured one ends the session.`,
	Run: func(p *check.Pass) {
		was := peerings(p.Before)
		for _, r := range p.Plan.Racks {
			var first *ir.Peering
			switches, same := map[string]bool{}, 0
			for i := range p.Plan.LoadBalancer.Peerings {
				is := &p.Plan.LoadBalancer.Peerings[i]
				old := was[is.Name]
				if is.Rack != r.Name || old == nil {
					continue
				}
				switches[is.Switch] = true
				if old.SwitchASN == is.SwitchASN && old.NodeASN == is.NodeASN && old.SwitchAddress == is.SwitchAddress {
					same++
				} else if first == nil {
					first = is
				}
			}
			if len(switches) < 2 || same > 0 || first == nil {
				continue
			}
			old, path := was[first.Name], site.Join("racks", r.Name, "tors", first.ToR, "address")
			what := fmt.Sprintf("switch %s gets address %s instead of %s", first.Switch, first.SwitchAddress, old.SwitchAddress)
			switch {
			case old.NodeASN != first.NodeASN:
				path, what = "fabric.bgp.nodeASN", fmt.Sprintf("the nodes get AS number %d instead of %d", first.NodeASN, old.NodeASN)
			case old.SwitchASN != first.SwitchASN:
				path = site.Join("racks", r.Name, "tors", first.ToR, "asn")
				what = fmt.Sprintf("switch %s gets AS number %d instead of %d", first.Switch, first.SwitchASN, old.SwitchASN)
			}
			p.Reportf(path, "%s, and so do all %d switches of rack %q in one change: no session of the rack stays up", what, len(switches), r.Name).
				Related(site.Join("racks", r.Name), "the rack").
				Hintf("change one switch of each rack, deliver it, and the other in a second change")
		}
	},
}

func peerings(p *ir.Plan) map[string]*ir.Peering {
	out := map[string]*ir.Peering{}
	for i := range p.LoadBalancer.Peerings {
		out[p.LoadBalancer.Peerings[i].Name] = &p.LoadBalancer.Peerings[i]
	}
	return out
}

// StrictBeforeMeshed finds a service that refuses clients whose proxies are not there yet.
var StrictBeforeMeshed = &check.Rule{
	ID: "MG9011", Name: "strict-before-meshed", Severity: diag.Error, On: check.OnPlan, Against: true,
	Doc: `a service begins to require mutual TLS in the same change that brings its client into the mesh

A pod gets its proxy when it starts again; the requirement holds at once. Until the last pod of the client has been
restarted, its connections are refused.
Source: istio.io, Mutual TLS Migration: lock down after all clients have been migrated.`,
	Run: func(p *check.Pass) {
		was := map[string]*ir.Service{}
		for i := range p.Before.Services {
			s := &p.Before.Services[i]
			was[s.Namespace+"/"+s.Name] = s
		}
		for i := range p.Plan.Services {
			s := &p.Plan.Services[i]
			old := was[s.Namespace+"/"+s.Name]
			if old == nil || !s.Meshed || s.Permissive || old.Meshed && !old.Permissive {
				continue
			}
			for _, c := range s.Callers {
				client := was[c.Namespace+"/"+c.Name]
				if c.Kind != "service" || client == nil || client.Meshed || client.Namespace == s.Namespace {
					continue // pods of one namespace are restarted together
				}
				p.Reportf(site.Join("namespaces", s.Namespace, "services", s.Name), "service %s/%s begins to require mutual TLS, and the pods of its client %s/%s run without a proxy until they are restarted", s.Namespace, s.Name, c.Namespace, c.Name).
					Related(site.Join("namespaces", c.Namespace), "comes into the mesh in the same change").
					Hintf("bring the client into the mesh, restart its pods, and require mutual TLS in a second change")
			}
		}
	},
}

// PoolTakenAway finds an address that is taken away from under its gateway.
var PoolTakenAway = &check.Rule{
	ID: "MG9012", Name: "pool-taken-away", Severity: diag.Error, On: check.OnPlan, Against: true,
	Doc: `a pool goes in the same change as the addresses that are in use out of it

Clients keep an address for as long as their resolvers do, and longer. With the pool, its filters on switches go as well:
there is no moment at which both the old and the new address answer.
Source: RFC 1034, section 3.6: what is cached is used until its time to live ends.`,
	Run: func(p *check.Pass) {
		for _, old := range p.Before.Pools {
			for _, v := range old.VIPs {
				if v.Gateway+v.Exposure == "" || slices.ContainsFunc(p.Plan.Pools, func(is ir.Pool) bool { return poolHolds(is, v) }) {
					continue
				}
				path, what := "pools", "is gone"
				if slices.ContainsFunc(p.Plan.Pools, func(is ir.Pool) bool { return is.Name == old.Name }) {
					path, what = site.Join("pools", old.Name, "addresses"), "no longer has the address"
				}
				p.Reportf(path, "pool %q %s, and %s was in use for %s", old.Name, what, v.Address, strings.TrimSpace(v.Gateway+" "+v.Exposure)).
					Hintf("first give the gateway an address out of another pool and take this one away when nobody asks for it any more; then the pool")
			}
		}
	},
}

func poolHolds(p ir.Pool, v ir.VIP) bool {
	for _, prefix := range p.Prefixes {
		if prefix.Contains(v.Address) {
			return true
		}
	}
	return false
}

// MeshSwapped finds another mesh in the place of one that runs.
var MeshSwapped = &check.Rule{
	ID: "MG9013", Name: "mesh-swapped", Severity: diag.Error, On: check.OnPlan, Against: true,
	Doc: `one mesh takes the place of another in one change

Their proxies do not know each other's identities: a pod that has been restarted is refused by all that have not. There is
no order of steps in which every call works, so that it is a new site, or a time without mutual TLS.`,
	Run: func(p *check.Pass) {
		if was, is := p.Before.Mesh.Kind, p.Plan.Mesh.Kind; was != is {
			p.Reportf("mesh.kind", "mesh %q takes the place of %q under running services", is, was).
				Hintf("build a second site beside this one and move services over, or go by way of mesh.kind none with mutual TLS given up")
		}
	},
}

// ChangeOverBudget finds a change that touches more than the site allows.
var ChangeOverBudget = &check.Rule{
	ID: "MG9014", Name: "change-over-budget", Severity: diag.Error, On: check.OnPlan, Against: true,
	Doc: `a change touches more racks or machines than changeBudget allows

A mistake in it is a mistake everywhere. What can be written for one rack or class of machines is tried there first; what is
one value for the whole site is waived for the change, and rolled out in the waves of "meshgen plan".
Source: Site Reliability Engineering, chapter 8, "Release Engineering": gradual rollouts.`,
	Run: func(p *check.Pass) {
		b := p.Site.ChangeBudget
		if b == nil {
			return
		}
		if racks := racksWithOtherBGP(p.Before, p.Plan); len(racks) > b.RacksAtOnce {
			p.Reportf("changeBudget.racksAtOnce", "the change touches the BGP of %d racks (%s), and %d may be touched at once", len(racks), strings.Join(racks, ", "), b.RacksAtOnce).
				Related(site.Join("racks", racks[b.RacksAtOnce]), "one too many").
				Hintf("change %d of them first; what all of them share needs a waiver for this change", b.RacksAtOnce)
		}
		nodes, all := nodesWithOtherFiles(p.Before, p.Plan)
		if most := max(1, all*b.NodesPercent/100); len(nodes) > most {
			p.Reportf("changeBudget.nodesPercent", "the change touches the files of %d of %d machines, and %d percent, which is %d, may be touched at once", len(nodes), all, b.NodesPercent, most).
				Hintf("change one class or rack first; what all of them share needs a waiver for this change")
		}
	},
}

// RevisionBeforeControlPlane finds namespaces that ask for a control plane which is on its way.
var RevisionBeforeControlPlane = &check.Rule{
	ID: "MG9015", Name: "revision-before-control-plane", Severity: diag.Error, On: check.OnPlan, Against: true,
	Doc: `namespaces go over to a control plane that comes in the same change

Namespaces are labelled before charts are installed. Until the new control plane's webhook is there, nobody puts a proxy into
a pod that starts in them: it runs without an identity, and every service that requires mutual TLS refuses it.
Source: istio.io, Canary Upgrades: the second control plane is installed first, then namespaces are labelled.`,
	Run: func(p *check.Pass) {
		next, was := p.Plan.Mesh.Next, p.Before.Mesh.Next
		if next == nil || p.Before.Mesh.Revision == next.Revision || was != nil && was.Revision == next.Revision {
			return
		}
		for i, ns := range next.Namespaces {
			if slices.ContainsFunc(p.Before.Namespaces, func(n ir.Namespace) bool { return n.Name == ns && n.Meshed }) {
				p.Reportf(site.Join("mesh", "upgrade", "canary", site.Index(i)), "namespace %q asks for control plane %q, which comes in the same change", ns, next.Revision).
					Related("mesh.upgrade", "the control plane that comes").
					Hintf("canary: [] in this change, and the namespaces in the next one")
			}
		}
	},
}

// racksWithOtherBGP returns the racks that both plans have and whose sessions or switches differ, sorted.
func racksWithOtherBGP(old, new *ir.Plan) []string {
	touched := map[string]bool{}
	was := peerings(old)
	for i := range new.LoadBalancer.Peerings {
		is := &new.LoadBalancer.Peerings[i]
		if o := was[is.Name]; o != nil && !same(reflect.ValueOf(*o), reflect.ValueOf(*is)) {
			touched[is.Rack] = true
		}
	}
	switches := map[string]*ir.Switch{}
	for i := range old.Switches {
		switches[old.Switches[i].Hostname] = &old.Switches[i]
	}
	for i := range new.Switches {
		is := &new.Switches[i]
		if o := switches[is.Hostname]; o != nil && is.Rack != "" && !same(reflect.ValueOf(*o), reflect.ValueOf(*is)) {
			touched[is.Rack] = true
		}
	}
	var out []string
	for _, r := range new.Racks {
		if touched[r.Name] {
			out = append(out, r.Name)
		}
	}
	return out
}

// nodesWithOtherFiles returns the machines that both plans have and whose files differ, and counts those of before.
func nodesWithOtherFiles(old, new *ir.Plan) (nodes []string, all int) {
	was := map[string]*ir.HostGroup{}
	for i := range old.Groups {
		for _, n := range old.Groups[i].Nodes {
			was[n] = &old.Groups[i]
		}
	}
	type groups struct{ a, b *ir.HostGroup }
	known := map[groups]bool{}
	for i := range new.Groups {
		is := &new.Groups[i]
		for _, n := range is.Nodes {
			o := was[n]
			if o == nil {
				continue
			}
			equal, ok := known[groups{o, is}]
			if !ok {
				a, b := *o, *is
				a.Nodes, b.Nodes, a.Name, b.Name = nil, nil, "", ""
				equal = same(reflect.ValueOf(a), reflect.ValueOf(b))
				known[groups{o, is}] = equal
			}
			if !equal {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes, len(was)
}

var fromType = reflect.TypeFor[ir.From]()

// same reports whether two records of a plan say the same, whatever they come from.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		if a.Type().PkgPath() == "net/netip" {
			return a.Interface() == b.Interface()
		}
		for i := range a.NumField() {
			if f := a.Type().Field(i); f.Type != fromType && f.Name != "Why" && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Interface() == b.Interface()
}
