package kubevip

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const speakersComment = `Each Service asks for its addresses by annotation: every one is declared, so that no cloud provider chooses any.
The annotation meshgen.dev/pools is read by nobody but meshgen: it says what these pods may announce, and the switches admit.`

const passwordComment = `The password of the sessions, for the list of peers below. It must exist beforehand: without it the pods do not start.
kube-vip parts that list at every colon and comma, so that the password must have neither of them.`

const bgpComment = `Each node's own address; sessions are opened to the switches of its rack, and none is taken.`

// passwordVariable is ours: kube-vip does not read it, the kubelet puts it into the list of peers.
const passwordVariable = "MESHGEN_BGP_PASSWORD"

func daemonSet(p *ir.Plan, y *artifact.YAML, s *ir.KubeVIPSpeaker) {
	labels := []ir.KV{{Key: "app.kubernetes.io/name", Value: account}, {Key: "app.kubernetes.io/instance", Value: s.Name}}
	meta := backend.Meta{
		APIVersion: "apps/v1", Kind: "DaemonSet", Namespace: p.LoadBalancer.Namespace, Name: s.Name,
		Labels:      slices.Concat(labels, backend.ManagedBy(p)),
		Annotations: []ir.KV{{Key: "meshgen.dev/pools", Value: pools(s.Pools)}},
		From:        slices.Concat(s.From, p.From, p.KubeVIP.From, poolsFrom(s)),
	}
	backend.Object(y, meta, func() {
		y.Map("spec", func() {
			y.Map("selector", func() {
				y.Map("matchLabels", func() { pairs(y, labels) })
			})
			y.Map("template", func() {
				y.Map("metadata", func() {
					y.Map("labels", func() { pairs(y, labels) })
				})
				y.Map("spec", func() { pod(p, y, s) })
			})
		})
	})
}

func poolsFrom(s *ir.KubeVIPSpeaker) ir.From {
	var out ir.From
	for _, p := range s.Pools {
		out = append(out, p.From...)
	}
	return out
}

func pairs(y *artifact.YAML, list []ir.KV) {
	for _, kv := range list {
		y.KV(kv.Key, kv.Value)
	}
}

func pod(p *ir.Plan, y *artifact.YAML, s *ir.KubeVIPSpeaker) {
	y.KV("hostNetwork", true)
	y.KV("priorityClassName", backend.NodeCritical)
	y.KV("serviceAccountName", account)
	if p.KubeVIP.PullSecret != "" {
		y.From("", "registry")
		y.Seq("imagePullSecrets", func() { y.Item(func() { y.KV("name", p.KubeVIP.PullSecret) }) })
	}
	y.From("", s.From...)
	backend.Tolerations(y, s.Tolerations)
	y.From("", s.Nodes.From...)
	y.Map("affinity", func() {
		y.Map("nodeAffinity", func() {
			y.Map("requiredDuringSchedulingIgnoredDuringExecution", func() {
				y.Seq("nodeSelectorTerms", func() {
					y.Item(func() { backend.Expressions(y, s.Nodes) })
				})
			})
		})
	})
	y.Fixed()
	y.Seq("containers", func() {
		y.Item(func() {
			y.KV("name", account)
			y.From("", p.KubeVIP.From...)
			y.KV("image", p.KubeVIP.Image)
			y.Fixed()
			y.KV("args", []string{"manager"})
			y.Seq("ports", func() {
				y.Item(func() {
					y.KV("name", "metrics")
					y.KV("containerPort", metricsPort)
					y.KV("protocol", "TCP")
				})
			})
			backend.HostNetworkRights(y)
			y.Seq("env", func() { environment(p, backend.Env{YAML: y}, s) })
		})
	})
}

// environment writes what kube-vip reads (pkg/kubevip/config_environment.go in 1.2.3).
func environment(p *ir.Plan, e backend.Env, s *ir.KubeVIPSpeaker) {
	e.Field("vip_nodename", "spec.nodeName")
	e.Set("prometheus_server", ":"+strconv.Itoa(metricsPort))
	e.Set("svc_enable", "true")
	e.Comment("Services of this class only: those of another load balancer, and those without a class, are left alone.")
	e.Set("lb_class_only", "true")
	e.From("", p.KubeVIP.From...)
	e.Set("lb_class_name", p.KubeVIP.Class)
	e.Fixed()
	if s.BGP {
		bgp(e, s)
		return
	}
	e.Set("vip_arp", "true")
	e.Comment("One election a Service: with externalTrafficPolicy Local only a node with a ready pod stands for it.")
	e.Set("svc_election", "true")
	egress(p, e)
	if s.Interface != "" {
		e.From("", s.From...)
		e.Set("vip_interface", s.Interface)
		e.Fixed()
		return
	}
	e.Comment("The interface whose network holds the address.")
	e.Set("vip_servicesinterface", "auto")
}

func bgp(e backend.Env, s *ir.KubeVIPSpeaker) {
	e.Set("bgp_enable", "true")
	e.Comment("Nothing is put on an interface: kube-proxy takes what arrives for an address of a Service.")
	e.Set("vip_interface", "lo")
	e.Comment(bgpComment)
	e.Field("bgp_routerid", "status.hostIP")
	e.From("", s.From.Of("nodeASN")...)
	e.Set("bgp_as", strconv.FormatUint(uint64(s.NodeASN), 10))
	e.From("", s.From.Of("holdTime")...)
	e.Set("bgp_hold_time", strconv.Itoa(s.HoldSecs))
	e.From("", s.From.Of("keepaliveTime")...)
	e.Set("bgp_keepalive_interval", strconv.Itoa(s.KeepaliveSecs))
	if s.Password != "" {
		e.From("", s.From.Of("passwordSecret")...)
		e.Comment(passwordComment)
		e.Item(func() {
			e.KV("name", passwordVariable)
			e.Map("valueFrom", func() {
				e.Map("secretKeyRef", func() {
					e.KV("name", s.Password)
					e.KV("key", "password")
				})
			})
		})
	}
	list := make([]string, len(s.Peers))
	var from ir.From
	for i, p := range s.Peers {
		list[i] = peer(p, s.Password != "")
		from = append(from, p.From...)
	}
	e.From("", from...)
	e.Comment(peersComment(s))
	e.Set("bgp_peers", strings.Join(list, ","))
	e.Fixed()
}

// peersComment explains the fields of the list of peers.
func peersComment(s *ir.KubeVIPSpeaker) string {
	for _, p := range s.Peers {
		if p.BFD != nil {
			return "address:AS:password:multihop:port:families:BFD, the last one with intervals in microseconds."
		}
	}
	return "address:AS:password:multihop"
}

// peer writes a peer as pkg/kubevip/config_bgp.go reads it. Intervals of BFD go to GoBGP as they are, which takes them
// for microseconds (pkg/server/bfd_peer.go in GoBGP 4.8.0), although kube-vip's own example shows milliseconds.
func peer(p ir.KubeVIPPeer, password bool) string {
	secret := ""
	if password {
		secret = "$(" + passwordVariable + ")"
	}
	text := fmt.Sprintf("%s:%d:%s:%t", host(p.Address), p.ASN, secret, p.Multihop)
	if b := p.BFD; b != nil {
		us := b.IntervalMS * 1000
		text += fmt.Sprintf(":179::true;%d;%d;%d", us, us, b.Multiplier)
	}
	return text
}

// host brackets an IPv6 address.
func host(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// egress writes how the source addresses of Services with kube-vip.io/egress are given. Rules of nftables are written by
// kube-vip itself; for those of iptables its image has no program. What goes to pods and Services stays as it is: without
// these variables kube-vip reads the ranges from the arguments of a pod that not every distribution has
// (pkg/services/egress.go, AutoDiscoverCIDRs), and takes 10.0.0.0/16 and 10.96.0.0/12 where there is none.
func egress(p *ir.Plan, e backend.Env) {
	x := p.KubeVIP.Egress
	if x == nil {
		return
	}
	e.From("", x.From...)
	e.Comment("Source addresses of what is sent outside, for Services that ask for it.")
	e.Set("egress_withnftables", "true")
	e.Set("egress_podcidr", strings.Join(ir.Prefixes(x.Pods), ","))
	e.Set("egress_servicecidr", strings.Join(ir.Prefixes(x.Services), ","))
	e.Fixed()
}
