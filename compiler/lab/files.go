package lab

import (
	_ "embed"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// Dir is the folder of the lab's files, beside those of the tree.
const Dir = "lab"

// nodePort is the port of a switch towards the nodes of its rack; links to spines come before it.
const nodePort = "eth20"

//go:embed README.md.tmpl
var readme string

// Files returns the files of the lab of a plan: those that Shrink's site has given. image is that of FRR.
func Files(p *ir.Plan, image string) []*artifact.File {
	t := artifact.NewTree()
	kind(p, t)
	topology(p, t, image)
	plain(t, "daemons", "zebra=yes", "bgpd=yes", "bfdd=yes", "vtysh_enable=yes", `zebra_options="  -A 127.0.0.1"`, `bgpd_options="  -A 127.0.0.1"`, `bfdd_options="  -A 127.0.0.1"`)
	plain(t, "vtysh.conf", "service integrated-vtysh-config")
	on := plain(t, "on.sh", "#!/bin/sh", "# MESHGEN_SSH of checks/run.sh: runs a command in the container of a switch.", `exec docker exec -i "clab-`+p.Name+`-$1" sh -c "$2"`)
	on.Executable()
	var names []string
	for _, n := range p.Switches {
		names = append(names, n.Hostname)
	}
	plain(t, "README.md", strings.TrimSuffix(strings.NewReplacer("{{site}}", p.Name, "{{switches}}", strings.Join(names, " "), "{{version}}", p.Cluster.Version).Replace(readme), "\n"))
	return t.Files()
}

func plain(t *artifact.Tree, name string, lines ...string) *artifact.File {
	f := t.File(Dir + "/" + name)
	for _, l := range lines {
		f.Line(l)
	}
	return f
}

// kind writes the configuration of the cluster: one control-plane node, and workers in the order of their names. kube-proxy must
// leave the connection table alone: its maximum cannot be written from a container.
func kind(p *ir.Plan, t *artifact.Tree) {
	f := t.File(Dir + "/kind.yaml")
	f.Header("#", p.Name)
	y := f.YAML()
	y.KV("kind", "Cluster")
	y.KV("apiVersion", "kind.x-k8s.io/v1alpha4")
	y.KV("name", p.Name)
	y.Map("networking", func() {
		y.KV("disableDefaultCNI", true)
		mode := p.Cluster.KubeProxy.Mode
		if !p.Cluster.KubeProxy.ConfigMap { // replaced by the pod network: kubeadm runs it from a ConfigMap wherever it runs
			mode = "none"
		}
		y.KV("kubeProxyMode", mode)
		y.KV("podSubnet", strings.Join(ir.Prefixes(p.Cluster.PodCIDRs), ","))
		y.KV("serviceSubnet", strings.Join(ir.Prefixes(p.Cluster.ServiceCIDRs), ","))
		if len(p.Cluster.ServiceCIDRs) > 1 {
			y.KV("ipFamily", "dual")
		}
	})
	y.Seq("nodes", func() {
		y.Item(func() { y.KV("role", "control-plane") })
		for range len(p.Nodes) - 1 {
			y.Item(func() { y.KV("role", "worker") })
		}
	})
}

// topology writes the containers and the cables: a segment for the nodes of each rack, the switches, and the nodes of kind.
func topology(p *ir.Plan, t *artifact.Tree, image string) {
	f := t.File(Dir + "/" + p.Name + ".clab.yml")
	f.Header("#", p.Name)
	y := f.YAML()
	y.KV("name", p.Name)
	var links [][2]string
	segments := map[string]int{} // ports in use, by rack
	plug := func(rack, end string) {
		segments[rack]++
		links = append(links, [2]string{end, "segment-" + rack + ":eth" + strconv.Itoa(segments[rack])})
	}
	y.Map("topology", func() {
		y.Map("nodes", func() {
			y.Map(p.Name, func() {
				y.KV("kind", "k8s-kind")
				y.KV("startup-config", "kind.yaml")
			})
			for i := range p.Nodes {
				n := &p.Nodes[i]
				plug(n.Rack, n.Name+":eth1")
				container(y, n.Name, "ext-container", addresses("eth1", n.Addresses, subnets(p, n.Rack)))
			}
			for i := range p.Switches {
				sw := &p.Switches[i]
				y.Map(sw.Hostname, func() { router(y, p, sw, image) })
				if sw.Role != "tor" {
					continue
				}
				plug(sw.Rack, sw.Hostname+":"+nodePort)
				for _, u := range sw.Uplinks {
					ends := [2]string{u.Switch + ":" + u.Interface, u.Spine + ":" + u.SpineInterface}
					if !slices.Contains(links, ends) { // one a family
						links = append(links, ends)
					}
				}
			}
			for _, rack := range sortedKeys(segments) {
				run := []string{"ip link add segment type bridge", "ip link set segment up"}
				for i := range segments[rack] {
					run = append(run, fmt.Sprintf("ip link set eth%d master segment", i+1))
				}
				y.Map("segment-"+rack, func() {
					y.KV("kind", "linux")
					y.KV("image", image)
					y.KV("exec", run)
				})
			}
		})
		y.Seq("links", func() {
			for _, l := range links {
				y.Item(func() { y.KV("endpoints", l[:]) })
			}
		})
	})
}

func container(y *artifact.YAML, name, kind string, exec []string) {
	y.Map(name, func() {
		y.KV("kind", kind)
		y.KV("exec", exec)
	})
}

// router writes a switch: FRR with the file of the tree.
func router(y *artifact.YAML, p *ir.Plan, sw *ir.Switch, image string) {
	y.KV("kind", "linux")
	y.KV("image", image)
	y.KV("binds", []string{
		"daemons:/etc/frr/daemons", "vtysh.conf:/etc/frr/vtysh.conf", "../fabric/" + p.Name + "/" + sw.Hostname + ".conf:/etc/frr/frr.conf",
	})
	y.Map("sysctls", func() {
		y.KV("net.ipv4.ip_forward", 1)
		y.KV("net.ipv6.conf.all.disable_ipv6", 0)
		y.KV("net.ipv6.conf.all.forwarding", 1)
	})
	var exec []string
	if sw.Role == "tor" {
		exec = addresses(nodePort, sw.Address, sw.Subnets)
	}
	for _, u := range sw.Uplinks {
		switch {
		case !u.Address.IsValid():
		case sw.Role == "tor":
			exec = append(exec, fmt.Sprintf("ip address add %s/%d dev %s", u.Address, u.Address.BitLen()-1, u.Interface))
		default:
			exec = append(exec, fmt.Sprintf("ip address add %s/%d dev %s", u.SpineAddress, u.Address.BitLen()-1, u.SpineInterface))
		}
	}
	if exec != nil {
		y.KV("exec", exec)
	}
}

// addresses are the commands that give a port its addresses, each with the length of the subnet that it lies in.
func addresses(port string, all []netip.Addr, subnets []netip.Prefix) []string {
	var out []string
	for _, a := range all {
		bits := a.BitLen()
		for _, s := range subnets {
			if s.Contains(a) {
				bits = s.Bits()
			}
		}
		out = append(out, fmt.Sprintf("ip address add %s/%d dev %s", a, bits, port))
	}
	return out
}

// subnets are those of a rack.
func subnets(p *ir.Plan, rack string) []netip.Prefix {
	for i := range p.Switches {
		if p.Switches[i].Rack == rack {
			return p.Switches[i].Subnets
		}
	}
	return nil
}

func sortedKeys(m map[string]int) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
