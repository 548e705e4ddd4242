package rules

import (
	"iter"

	"meshgen.dev/meshgen/compiler/site"
)

// What rules walk over: the entities of a site in one order, each with its place.

// placed is a service with its place.
type placed struct {
	namespace, name, path string
	*site.Service
}

// services yields every service of the site by namespace and name.
func services(s *site.Site) iter.Seq[placed] {
	return func(yield func(placed) bool) {
		for nn, n := range byKey(s.Namespaces) {
			for sn, svc := range byKey(n.Services) {
				if !yield(placed{nn, sn, site.Join("namespaces", nn, "services", sn), svc}) {
					return
				}
			}
		}
	}
}

// machine is a node with its place and its class.
type machine struct {
	name, rack, path string
	node             *site.Node
	class            *site.NodeClass // nil: it does not exist
}

// machines yields every node of the site by rack and name.
func machines(s *site.Site) iter.Seq[machine] {
	return func(yield func(machine) bool) {
		for rn, r := range byKey(s.Racks) {
			for nn, n := range byKey(r.Nodes) {
				if !yield(machine{nn, rn, site.Join("racks", rn, "nodes", nn), n, s.NodeClasses[n.Class]}) {
					return
				}
			}
		}
	}
}

// tor is a rack's switch with its place.
type tor struct {
	rack, name, path string
	*site.ToR
}

// tors yields every top-of-rack switch by rack and name.
func tors(s *site.Site) iter.Seq[tor] {
	return func(yield func(tor) bool) {
		for rn, r := range byKey(s.Racks) {
			for tn, t := range byKey(r.ToRs) {
				if !yield(tor{rn, tn, site.Join("racks", rn, "tors", tn), t}) {
					return
				}
			}
		}
	}
}

// router is a switch of either role, with what both roles say of themselves.
type router struct {
	path, hostname, os string
	asn                uint32
	routerID           string
	address            []string // none for a spine
}

// routers yields every switch: those of racks by rack and name, then the spines by name.
func routers(s *site.Site) iter.Seq[router] {
	return func(yield func(router) bool) {
		for t := range tors(s) {
			if !yield(router{t.path, t.Hostname, t.OS, t.ASN, t.RouterID, t.Address}) {
				return
			}
		}
		for sn, sp := range byKey(s.Fabric.Spines) {
			if !yield(router{site.Join("fabric", "spines", sn), sp.Hostname, sp.OS, sp.ASN, sp.RouterID, nil}) {
				return
			}
		}
	}
}

// uplink is a link with its place.
type uplink struct {
	path string
	from *site.ToR
	*site.Uplink
}

// uplinks yields every link from a rack's switch to a spine.
func uplinks(s *site.Site) iter.Seq[uplink] {
	return func(yield func(uplink) bool) {
		for t := range tors(s) {
			for i := range t.Uplinks {
				if !yield(uplink{t.path + "." + site.Join("uplinks", site.Index(i)), t.ToR, &t.Uplinks[i]}) {
					return
				}
			}
		}
	}
}
