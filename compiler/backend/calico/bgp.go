package calico

import (
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// rangesFilter is the name of the one BGPFilter.
const rangesFilter = "ranges-of-pods"

// passwordReader is the name of the Role by which Calico's pods read the password.
const passwordReader = "bgp-password"

const configurationComment = `Nodes have no sessions with each other: what is for a pod elsewhere goes to the node's default gateway, and switches know
the way. Calico reads one BGPConfiguration of this name.`

const filterComment = `Nothing is taken from a switch, so that no node carries what is between others, and blocks of this one length are all that
leaves: the switches refuse any other. Calico itself decides which blocks are the node's.`

const ipamComment = `A node that runs out of addresses takes another block, never one address of another node's: that would be a route of a
length that switches refuse. Their limit of prefixes has room for these blocks twice.`

const elsewhereComment = `Networks of pods at other sites: Calico gives no address out of them, announces none, and leaves the addresses of pods as they
are on the way to any pool that it knows. To all else they leave with the address of their node.`

const peerComment = `One peer a rack, switch and address family. The node opens the session and the switch waits. Calico takes the hold time of
the switch, and a third of it for its keepalive: neither can be told. It has no BFD.`

const refusedComment = `It always asks the switch to keep its routes while it restarts: here for no time, and the switch refuses. A dead node has none
left when its hold time is over, and pods of a node whose Calico restarts are away until its session is back.`

const secretComment = `The password is the key "password" of a Secret in the namespace of Calico's pods (at most 80 characters; no quotation mark,
which ends the text in the configuration of BIRD). While it is missing the session is opened without one.`

// announcements writes what makes Calico announce the ranges of pods. Field names and what they do: projectcalico/calico
// v3.31.7, api/pkg/apis/projectcalico/v3 and confd/etc/calico/confd/templates; read 2026-11-22.
func announcements(p *ir.Plan, t *artifact.Tree) {
	c := p.Calico
	if c == nil {
		return
	}
	add := func(kind, name, comment string, from ir.From, spec func(y *artifact.YAML)) {
		y := backend.Objects(p, t, backend.LoadBalancer, kind)
		if comment != "" {
			y.From("", c.From...)
			y.Comment(comment)
			y.Fixed()
		}
		m := backend.Meta{APIVersion: v3, Kind: kind, Name: name, Labels: backend.ManagedBy(p), From: from}
		backend.Object(y, m, func() { y.Map("spec", func() { spec(y) }) })
	}
	add("BGPConfiguration", "default", configurationComment, c.From, func(y *artifact.YAML) {
		y.KV("nodeToNodeMeshEnabled", false)
		if c.ASN != 0 {
			y.From("", c.From.Of("nodeASN")...)
			y.KV("asNumber", c.ASN)
		}
	})
	add("IPAMConfiguration", "default", ipamComment, c.From, func(y *artifact.YAML) {
		y.KV("strictAffinity", true)
		y.From(c.BlocksWhy, c.From.Of("blockSize", "maxPods", "nodeClasses", "podCIDRs")...)
		y.KV("maxBlocksPerHost", c.MaxBlocks)
		y.Fixed()
	})
	add("BGPFilter", rangesFilter, filterComment, c.From, func(y *artifact.YAML) {
		for i := range c.Ranges {
			filter(y, &c.Ranges[i])
		}
	})
	for i := range c.Elsewhere {
		comment, e := "", &c.Elsewhere[i]
		if i == 0 {
			comment = elsewhereComment
		}
		add("IPPool", e.Name, comment, e.From, func(y *artifact.YAML) { elsewhere(y, e) })
	}
	for i := range c.Peers {
		comment := ""
		if i == 0 {
			if comment = peerComment; c.Peers[i].RestartSecs == 0 {
				comment += "\n" + refusedComment
			}
			if c.Secret != "" {
				comment += "\n" + secretComment
			}
		}
		add("BGPPeer", c.Peers[i].Name, comment, c.Peers[i].From, func(y *artifact.YAML) { peer(y, &c.Peers[i]) })
	}
	if c.Secret != "" {
		reader(p, t, c)
	}
}

// filter writes the rules of a family: the first that matches decides, and where none does, Calico's own do.
func filter(y *artifact.YAML, r *ir.PodRange) {
	version := "V4"
	if ir.FamilyOf(r.Prefix.Addr()) == ir.IPv6 {
		version = "V6"
	}
	reject := func(operator, bound string, bits int) {
		y.Item(func() {
			y.KV("action", "Reject")
			y.KV("matchOperator", operator)
			y.KV("cidr", r.Prefix)
			if bound != "" {
				backend.Nested(y, []string{"prefixLength"}, func() { y.KV(bound, bits) })
			}
		})
	}
	y.From("", r.From...)
	y.Seq("export"+version, func() {
		reject("NotIn", "", 0)
		if r.Prefix.Bits() < r.Bits {
			reject("In", "max", r.Bits-1)
		}
		reject("In", "min", r.Bits+1)
	})
	y.Seq("import"+version, func() {
		y.Item(func() { y.KV("action", "Reject") })
	})
	y.Fixed()
}

// elsewhere writes a pool that nobody has an address of. What is masqueraded is what goes to no pool; disabled ones count
// (projectcalico/calico v3.31.7 felix/dataplane/linux/masq_mgr.go, felix/rules/nat.go; read 2026-11-22).
func elsewhere(y *artifact.YAML, e *ir.CalicoNetwork) {
	y.From("", e.From...)
	y.KV("cidr", e.Network)
	y.KV("disabled", true)
	y.KV("disableBGPExport", true)
	y.KV("natOutgoing", false)
	y.KV("ipipMode", "Never")
	y.KV("vxlanMode", "Never")
	y.Fixed()
}

func peer(y *artifact.YAML, s *ir.CalicoPeer) {
	y.From("", s.From.Of("address")...)
	y.KV("peerIP", s.Address)
	y.From("", s.From.Of("asn")...)
	y.KV("asNumber", s.ASN)
	if s.LocalASN != 0 {
		y.From("", s.From.Of("nodeASN")...)
		y.KV("localASNumber", s.LocalASN)
	}
	y.From("", s.From...)
	y.KV("nodeSelector", s.Nodes.Key+" == '"+s.Nodes.Values[0]+"'")
	y.KV("filters", []string{rangesFilter})
	y.From("", s.From.Of("gracefulRestart")...)
	y.KV("maxRestartTime", strconv.Itoa(s.RestartSecs)+"s")
	if s.Secret != "" {
		y.From("", s.From.Of("passwordSecret")...)
		backend.Nested(y, []string{"password", "secretKeyRef"}, func() {
			y.KV("name", s.Secret)
			y.KV("key", "password")
		})
	}
	y.Fixed()
}

// reader lets Calico's pods read the Secret, which their own ClusterRole does not.
func reader(p *ir.Plan, t *artifact.Tree, c *ir.Calico) {
	const group = "rbac.authorization.k8s.io"
	meta := func(kind string) backend.Meta {
		return backend.Meta{APIVersion: group + "/v1", Kind: kind, Namespace: c.Namespace, Name: passwordReader, Labels: backend.ManagedBy(p), From: c.From}
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "Role")
	backend.Object(y, meta("Role"), func() {
		y.Seq("rules", func() {
			y.Item(func() {
				y.KV("apiGroups", []string{""})
				y.KV("resources", []string{"secrets"})
				y.From("", c.From.Of("passwordSecret")...)
				y.KV("resourceNames", []string{c.Secret})
				y.Fixed()
				y.KV("verbs", []string{"get", "list", "watch"})
			})
		})
	})
	y = backend.Objects(p, t, backend.LoadBalancer, "RoleBinding")
	backend.Object(y, meta("RoleBinding"), func() {
		y.Map("roleRef", func() {
			y.KV("apiGroup", group)
			y.KV("kind", "Role")
			y.KV("name", passwordReader)
		})
		y.Seq("subjects", func() {
			y.Item(func() {
				y.KV("kind", "ServiceAccount")
				y.KV("name", c.Account)
				y.KV("namespace", c.Namespace)
			})
		})
	})
}
