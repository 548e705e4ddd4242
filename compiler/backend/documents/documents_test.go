package documents

import (
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// lab has what the examples have not: policy Cluster, an IPv6 address, a pool that others route, no host name.
func lab() *ir.Plan {
	a := netip.MustParseAddr
	return &ir.Plan{
		Name: "lab", From: ir.From{"name"},
		Cluster: ir.Cluster{Version: "1.35.2", Distribution: "kubeadm", KubeProxy: ir.KubeProxy{Mode: "ipvs"}},
		Nodes: []ir.Node{
			{Name: "n1", Rack: "a", Class: "edge", Addresses: []netip.Addr{a("192.0.2.11")}, Speaker: true},
			{Name: "n2", Rack: "b", Class: "edge", Addresses: []netip.Addr{a("192.0.2.12")}, Speaker: true},
			{Name: "n3", Rack: "b", Class: "worker", Addresses: []netip.Addr{a("192.0.2.13")}},
		},
		Groups:   []ir.HostGroup{{Name: "a-edge", Rack: "a", Nodes: []string{"n1"}, Forms: []string{"files"}, TimeUnit: "chrony.service"}},
		Switches: []ir.Switch{{Hostname: "s1", Role: "tor", Rack: "a", OS: "eos"}, {Hostname: "s2", Role: "spine", OS: "frr"}},
		Pools: []ir.Pool{{Name: "near", Protocol: "bgp", Racks: []string{"a"},
			NodeSelector: ir.Selector{Terms: []ir.Term{{Key: "rack", Values: []string{"a"}}, {Key: "class", Values: []string{"edge", "core"}}}}}, {Name: "far"}},
		LoadBalancer: ir.LoadBalancer{Kind: "metallb", Namespace: "metallb-system", Backend: "frr-k8s", Peerings: []ir.Peering{{Name: "a", Switch: "s1", SwitchAddress: a("192.0.2.2"),
			HoldSecs: 90, KeepaliveSecs: 30, Speakers: []ir.Speaker{{Node: "n1", Address: a("192.0.2.11")}}}}},
		Mesh: ir.Mesh{Kind: "istio-sidecar", Namespace: "istio-system", TrustDomain: "lab.example.net"},
		Gateways: []ir.Gateway{{
			Name: "in", Namespace: "gateway-in", Release: "gateway-in", Pool: "near", VIPs: []netip.Addr{a("2001:db8::10")}, Class: "edge", Racks: []string{"a"},
			Listeners: []ir.Listener{
				{Name: "tls", Port: 443, Protocol: "https", TLS: &ir.TLS{Mode: "mutual", Secret: "cert", ClientCA: "ca"}, Hosts: []ir.ListenerHost{{Host: "x.example.com"}}},
				{Name: "raw", Port: 9000, Protocol: "tcp"},
			},
		}},
		Capacity: ir.Capacity{Pools: []ir.PoolUse{{Pool: "near", Total: -1, Used: 1, Free: -1}}},
	}
}

func TestDocuments(t *testing.T) {
	tree := artifact.NewTree()
	tree.File("fabric/lab/s1.eos", "name")
	p := lab()
	Backend.Emit(p, tree)
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file       string
		has, lacks []string
	}{
		{"RUNBOOK.md", []string{
			"nodes='192.0.2.11 192.0.2.12 192.0.2.13'\nedge='192.0.2.11 192.0.2.12'\nspeakers='n1 n2'\n",
			"| `n1` | a | `in` | `2001:db8::10` | 0 for `in`, in racks a |\n", "| `n2` | b | - | - | - |\n",
			"90 s, the hold time",
			"--resolve x.example.com:443:[2001:db8::10] --cert client.pem --key client-key.pem https://x.example.com:443/\n",
			"nc -z -v -w 3 2001:db8::10 9000\n",
			`for n in $(kubectl get nodes -l 'rack in (a),class in (edge,core)' ` + "-o jsonpath='{.items[*].metadata.name}'); do echo \"== $n\"; frr \"$n\" 'show bgp ipv6 unicast 2001:db8::10/128'; done\n",
			`ssh -n s1 "show ipv6 bgp 2001:db8::10/128"` + "\n", `ssh -n s2 "sudo vtysh -c 'show bgp ipv6 unicast 2001:db8::10/128'"` + "\n",
			"sudo ipvsadm -Ln -t [2001:db8::10]:443'\n", "deployment/istiod ", "   - `fabric/lab/s1.eos`\n",
			"ansible -i hosts/lab/inventory.yaml rack_a ",
			"- `gateway-in/ca`: first put",
		}, []string{"argocd", "install.sh", "authdata", "certificates.cert-manager.io", "healthCheckNodePort"}},
		{"SESSIONS.md", []string{"| `n1` | `192.0.2.11` | 0 | `s1` | `192.0.2.2` | 0 | 90 s / 30 s | none | none | 0 | - | `a` |\n"}, nil},
		{"NORTH-SOUTH.md", []string{"Cluster: every announcing node", "asks clients for a certificate", "No service is exposed here."}, nil},
		{"CAPACITY.md", []string{"| `near` | more than 16 million | 1 | more than 16 million | - |\n", "names no scraper"}, nil},
	} {
		text := string(tree.Lookup("docs/lab/" + c.file).Bytes())
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", c.file, want)
			}
		}
		for _, not := range c.lacks {
			if strings.Contains(text, not) {
				t.Errorf("%s: %q", c.file, not)
			}
		}
		if t.Failed() {
			t.Log(text)
		}
	}
}

// At layer 2 no table of sessions says who has an address: the documents say who may, and how to see who does.
func TestLayer2(t *testing.T) {
	p := lab()
	p.LoadBalancer.Backend, p.LoadBalancer.Peerings = "", nil
	p.Pools[0].Protocol, p.Pools[0].Announcers, p.Pools[0].Interfaces = "l2", []string{"n1", "n2"}, []string{"bond0"}
	p.Gateways[0].Local = true
	tree := artifact.NewTree()
	Backend.Emit(p, tree)
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file       string
		has, lacks []string
	}{
		{"SESSIONS.md", []string{"| `2001:db8::10` | `in` | neighbour discovery | `bond0` | `n1`, `n2` | one with a ready pod |\n"}, nil},
		{"NORTH-SOUTH.md", []string{"one node of `a`", "of the nodes with a ready pod one answers"}, nil},
		{"RUNBOOK.md", []string{"get servicel2statuses", "ip neighbour show 2001:db8::10 ", "no address of this site is announced by BGP"},
			[]string{"frr()", "frr \"$", "show bgp", "bgpsessionstates", "the switch drops its routes"}},
	} {
		text := string(tree.Lookup("docs/lab/" + c.file).Bytes())
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", c.file, want)
			}
		}
		for _, not := range c.lacks {
			if strings.Contains(text, not) {
				t.Errorf("%s: %q", c.file, not)
			}
		}
	}
}

// Each mode of kube-proxy keeps an address in a place of its own.
func TestLookup(t *testing.T) {
	for _, c := range []struct{ mode, address, transport, want string }{
		{"nftables", "192.0.2.1", "tcp", `sudo nft list map ip kube-proxy service-ips | grep -c "192.0.2.1 \. tcp \. 80"`},
		{"nftables", "2001:db8::1", "tcp", `sudo nft list map ip6 kube-proxy service-ips | grep -c "2001:db8::1 \. tcp \. 80"`},
		{"iptables", "192.0.2.1", "tcp", `sudo iptables-save -t nat | grep -cE -- "-d 192.0.2.1/(32|128) .*--dport 80"`},
		{"ipvs", "192.0.2.1", "tcp", `sudo ipvsadm -Ln -t 192.0.2.1:80`},
		{"nftables", "192.0.2.1", "udp", `sudo nft list map ip kube-proxy service-ips | grep -c "192.0.2.1 \. udp \. 80"`},
		{"ipvs", "192.0.2.1", "udp", `sudo ipvsadm -Ln -u 192.0.2.1:80`},
		{"replaced", "192.0.2.1", "tcp", ""},
	} {
		if got := lookup(c.mode, netip.MustParseAddr(c.address), c.transport, 80); got != c.want {
			t.Errorf("%s: %s, want %s", c.mode, got, c.want)
		}
	}
}
