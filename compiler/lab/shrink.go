// Package lab makes of a site one that runs in containers on one machine: Kubernetes nodes by kind, switches by containerlab.
//
// In comes the resolved site. Shrink returns it with fewer racks and nodes, with every switch as FRR, and with the names that
// kind gives its nodes; the compiler makes the tree of that site like of any other. Files then returns, from its plan, what
// stands around the tree: the configuration of kind, the topology of containerlab, and a README with the steps.
package lab

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Options say how much of the site is kept. Zero keeps all.
type Options struct{ Racks, NodesPerRack int }

type object = map[string]any

// docker are the networks that Docker deals out for itself: its default address pools (moby, daemon/libnetwork/ipamutils,
// 2026-11-21) and containerlab's management network lie in them.
var docker = []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16"), netip.MustParsePrefix("172.18.0.0/15"), netip.MustParsePrefix("172.20.0.0/14"),
	netip.MustParsePrefix("172.24.0.0/13"), netip.MustParsePrefix("192.168.0.0/16")}

// Shrink returns the site of the lab. The error says why the site cannot be one.
func Shrink(resolved []byte, opt Options) ([]byte, error) {
	var s object
	if err := json.Unmarshal(resolved, &s); err != nil {
		return nil, err
	}
	if at(s, "fabric", "bgp") == nil {
		return nil, fmt.Errorf("a lab shows the sessions of a fabric: the site has no fabric.bgp")
	}
	if d := at(s, "kubernetes", "distribution"); d != "kubeadm" {
		return nil, fmt.Errorf("kind runs kubeadm, and the site is of distribution %v", d)
	}
	for _, name := range slices.Sorted(maps.Keys(dict(s, "racks"))) {
		if at(s, "racks", name, "homing") == "unnumbered" {
			return nil, fmt.Errorf("a lab joins the nodes of a rack by a bridge, and those of rack %s hang on cables of their own (homing unnumbered)", name)
		}
	}
	if err := clashes(s); err != nil {
		return nil, err
	}
	kept := racks(s, opt)
	nodes := rename(s, kept)
	fabric(s, kept)
	trim(s, kept, nodes)
	return json.MarshalIndent(s, "", "  ")
}

// at is the member at a path, or nil.
func at(v any, path ...string) any {
	for _, key := range path {
		o, _ := v.(object)
		v = o[key]
	}
	return v
}

func dict(v any, path ...string) object {
	o, _ := at(v, path...).(object)
	return o
}

func list(v any, path ...string) []any {
	l, _ := at(v, path...).([]any)
	return l
}

// clashes reports a network of the site that Docker may have given to the containers.
func clashes(s object) error {
	var all []any
	for _, name := range slices.Sorted(maps.Keys(dict(s, "pools"))) {
		all = append(all, list(s, "pools", name, "addresses")...)
	}
	for _, name := range slices.Sorted(maps.Keys(dict(s, "racks"))) {
		all = append(all, list(s, "racks", name, "subnets")...)
	}
	for _, a := range all {
		text, _, _ := strings.Cut(fmt.Sprint(a), "-")
		text, _, _ = strings.Cut(text, "/")
		ip, err := netip.ParseAddr(text)
		if err == nil && slices.ContainsFunc(docker, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return fmt.Errorf("%v lies in the networks that Docker deals out: give the lab other addresses", a)
		}
	}
	return nil
}

// racks drops racks and nodes beyond what is asked for, and returns the names of those that stay. Of each rack the nodes of
// different classes stay first; one control-plane node stays in all.
func racks(s object, opt Options) []string {
	all := dict(s, "racks")
	names := slices.Sorted(maps.Keys(all))
	if opt.Racks > 0 && opt.Racks < len(names) {
		for _, n := range names[opt.Racks:] {
			delete(all, n)
		}
		names = names[:opt.Racks]
	}
	control := false
	for _, rn := range names {
		nodes := dict(all, rn, "nodes")
		seen := map[any]int{}
		type ranked struct {
			name string
			rank int
		}
		var order []ranked
		for _, n := range slices.Sorted(maps.Keys(nodes)) {
			class := at(nodes, n, "class")
			if dict(s, "nodeClasses", fmt.Sprint(class))["controlPlane"] == true {
				if control {
					delete(nodes, n)
					continue
				}
				control = true
			}
			order = append(order, ranked{n, seen[class]})
			seen[class]++
		}
		slices.SortStableFunc(order, func(a, b ranked) int { return a.rank - b.rank })
		if opt.NodesPerRack > 0 && opt.NodesPerRack < len(order) {
			for _, o := range order[opt.NodesPerRack:] {
				delete(nodes, o.name)
			}
		}
	}
	return names
}

// rename gives each node the name of its container, "<site>-control-plane", "<site>-worker", "<site>-worker2": the name by which
// it joins. It returns the number of nodes by class.
func rename(s object, racks []string) map[any]int {
	count, workers := map[any]int{}, 0
	for _, rn := range racks {
		rack := dict(s, "racks", rn)
		out := object{}
		nodes := dict(rack, "nodes")
		for _, n := range slices.Sorted(maps.Keys(nodes)) {
			class := at(nodes, n, "class")
			count[class]++
			name := fmt.Sprint(s["name"]) + "-control-plane"
			if dict(s, "nodeClasses", fmt.Sprint(class))["controlPlane"] != true {
				workers++
				name = fmt.Sprint(s["name"]) + "-worker"
				if workers > 1 {
					name += strconv.Itoa(workers)
				}
			}
			out[name] = nodes[n]
		}
		rack["nodes"] = out
		delete(rack, "timeServers")
	}
	delete(dict(s, "time"), "isolation")
	return count
}

// fabric makes every switch FRR, and names the ports of links as containers have them.
func fabric(s object, racks []string) {
	delete(dict(s, "fabric", "bgp"), "passwordSecret")
	spines := dict(s, "fabric", "spines")
	for _, sp := range spines {
		sp.(object)["os"] = "frr"
	}
	ports := map[any]int{}
	for _, rn := range racks {
		tors := dict(s, "racks", rn, "tors")
		for _, tn := range slices.Sorted(maps.Keys(tors)) {
			tor := dict(tors, tn)
			tor["os"] = "frr"
			for i, u := range list(tor, "uplinks") {
				link := u.(object)
				ports[link["spine"]]++
				link["interface"] = "eth" + strconv.Itoa(i+1)
				link["peerInterface"] = "eth" + strconv.Itoa(ports[link["spine"]])
			}
		}
	}
}

// trim makes what refers to racks and nodes fit those that stay.
func trim(s object, racks []string, nodes map[any]int) {
	if mesh := dict(s, "mesh"); mesh["kind"] == "consul" { // its servers never share a machine, and a lab has few
		mesh["controlPlane"] = object{"replicas": 1}
	}
	for _, p := range dict(s, "pools") {
		announce := dict(p, "announce")
		var left []any
		for _, r := range list(announce, "racks") {
			if slices.Contains(racks, fmt.Sprint(r)) {
				left = append(left, r)
			}
		}
		delete(announce, "racks")
		if left != nil {
			announce["racks"] = left
		}
	}
	workers := 0
	for class, n := range nodes {
		if dict(s, "nodeClasses", fmt.Sprint(class))["controlPlane"] != true {
			workers += n
		}
	}
	for _, g := range dict(s, "gateways") {
		fit(g.(object), "replicas", nodes[at(g, "placement", "class")])
	}
	if c := dict(s, "mesh", "controlPlane"); c != nil {
		fit(c, "replicas", workers)
	}
	egress(s)
	delete(dict(s, "fabric"), "resilientHashing") // FRR has none by addresses
	s["environment"] = "lab"
	delete(s, "waivers")    // they are of places that may be gone
	delete(s, "resilience") // promised of the whole, not of a part
}

// fit lowers a number.
func fit(o object, key string, most int) {
	if n, ok := o[key].(float64); ok && int(n) > most {
		o[key] = max(most, 1)
	}
}

// egress leaves to egress gateways the addresses of nodes that stay, where nodes have them.
func egress(s object) {
	var kept []any
	for _, rack := range dict(s, "racks") {
		for _, n := range dict(rack, "nodes") {
			kept = append(kept, list(n, "egressAddresses")...)
		}
	}
	for _, g := range dict(s, "egressGateways") {
		var left []any
		for _, a := range list(g, "addresses") {
			if slices.Contains(kept, a) {
				left = append(left, a)
			}
		}
		if len(left) > 0 {
			g.(object)["addresses"] = left
		}
	}
}
