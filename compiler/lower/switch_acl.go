package lower

import (
	"net/netip"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
)

// switchACLs decides what ToRs take from their uplinks for virtual addresses: exactly the flows that lead to one. The list
// stands on ToRs and not on spines, because the site knows only those ports of a spine that lead to its racks: what comes
// in there are answers. Answers to clients leave by the uplinks, so that nothing has to be let in for them.
func (l *lowering) switchACLs() {
	if !l.s.Fabric.SwitchACLs {
		return
	}
	entries, from := l.aclEntries()
	for i := range l.p.Switches {
		sw := &l.p.Switches[i]
		if sw.Role != "tor" || len(sw.Uplinks) == 0 || len(entries) == 0 {
			continue
		}
		acl := &ir.SwitchACL{Name: sw.Objects + "_TO_VIPS", Entries: entries, From: slices.Clone(from)}
		for _, u := range sw.Uplinks {
			if !slices.Contains(acl.Ports, u.Interface) { // a link has a session for each family
				acl.Ports = append(acl.Ports, u.Interface)
			}
			acl.From = append(acl.From, u.From...)
		}
		sw.ACL = acl
	}
}

// aclEntries are the flows to addresses of pools, what tells senders of packets that are too big, and the end of everything
// else that comes for a pool.
func (l *lowering) aclEntries() ([]ir.ACLEntry, ir.From) {
	var permits, icmp, denials []ir.ACLEntry
	from := ir.From{"fabric.switchACLs", "pools", "gateways", "namespaces"}
	pooled := func(a netip.Prefix) bool {
		return slices.ContainsFunc(l.p.Pools, func(p ir.Pool) bool {
			return slices.ContainsFunc(p.Prefixes, func(q netip.Prefix) bool { return q.Contains(a.Addr()) })
		})
	}
	seen := map[string]bool{}
	for _, f := range l.p.Flows {
		if f.Area == ir.PodArea || f.Area == ir.OutsideArea || f.Port == 0 {
			continue
		}
		for _, d := range f.To.Addresses {
			if !d.IsSingleIP() || !pooled(d) {
				continue
			}
			for _, s := range aclSources(&f, d) {
				e := ir.ACLEntry{Family: ir.FamilyOf(d.Addr()), Permit: true, Protocol: f.Protocol, Source: s, Dest: d, Port: f.Port,
					Why: f.To.Name + ": " + f.Why, From: append(slices.Clone(f.Reads), "fabric.switchACLs")}
				if key := e.Protocol + s.String() + d.String() + strconv.Itoa(int(e.Port)); !seen[key] {
					seen[key] = true
					permits = append(permits, e)
					from = append(from, f.Reads...)
				}
			}
		}
	}
	for _, p := range l.p.Pools {
		for _, q := range p.Prefixes {
			e := ir.ACLEntry{Family: ir.FamilyOf(q.Addr()), Dest: q, Why: "pool " + p.Name, From: append(slices.Clone(p.From), "fabric.switchACLs")}
			denials = append(denials, e)
			e.Permit, e.Protocol = true, "icmp"
			icmp = append(icmp, e)
		}
	}
	return slices.Concat(permits, icmp, denials), topmost(from)
}

// aclSources is who opens a flow, of the family of a destination; the zero prefix stands for everybody.
func aclSources(f *ir.Flow, dest netip.Prefix) []netip.Prefix {
	if f.From.Anybody {
		return []netip.Prefix{{}}
	}
	var out []netip.Prefix
	for _, s := range f.From.Addresses {
		if s.Addr().Is6() == dest.Addr().Is6() {
			out = append(out, s)
		}
	}
	return out
}
