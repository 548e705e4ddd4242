package documents

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// calicoState lists the sessions of each node, of both families where there are two: BIRD has one program a family. The
// sockets and the client are those that the project's own image asks itself by (projectcalico/calico v3.31.7
// node/pkg/health/health.go, read 2026-11-22).
func calicoState(p *ir.Plan) []string {
	c := p.Calico
	if c == nil {
		return nil
	}
	var asked []string
	for _, r := range c.Ranges {
		program := "birdcl -s /var/run/calico/bird.ctl"
		if r.Prefix.Addr().Is6() {
			program = "birdcl -s /var/run/calico/bird6.ctl"
		}
		asked = append(asked, fmt.Sprintf(`kubectl -n %s exec "$p" -c calico-node -- %s show protocols </dev/null`, c.Namespace, program))
	}
	return []string{fmt.Sprintf(`kubectl -n %s get pods -l k8s-app=calico-node -o name | while read -r p; do echo "== $p"; %s; done`, c.Namespace, strings.Join(asked, "; "))}
}

// calicoFirst applies Calico's own objects past its API server, whose pods may stand where nothing leads yet.
func calicoFirst(p *ir.Plan) []string {
	if p.Calico == nil {
		return nil
	}
	dir := backend.OverlayDir(p) + "/" + string(backend.LoadBalancer)
	var out []string
	for i := range p.Calico.Peers {
		rack := p.Calico.Peers[i].Nodes
		line := "kubectl label --overwrite nodes"
		for j := range p.Nodes {
			if p.Nodes[j].Rack == rack.Values[0] {
				line += " " + p.Nodes[j].Name
			}
		}
		if line += " " + rack.Key + "=" + rack.Values[0]; !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	if p.Calico.Secret != "" {
		out = append(out, "kubectl apply --server-side --filename "+dir+"/role.yaml --filename "+dir+"/rolebinding.yaml")
	}
	out = append(out, fmt.Sprintf("calicoctl ipam configure --strictaffinity=true --max-blocks-per-host=%d", p.Calico.MaxBlocks))
	for _, kind := range []string{"bgpfilter", "bgppeer", "bgpconfiguration"} {
		out = append(out, "calicoctl apply --filename "+dir+"/"+kind+".yaml")
	}
	return out
}

// calicoRanges says what nodes announce, and what is relied on of whoever installs Calico.
func calicoRanges(m *backend.Markdown, p *ir.Plan) {
	c := p.Calico
	if c == nil {
		return
	}
	m.Heading("Ranges of pods")
	m.Text(fmt.Sprintf("Calico gives a node a block of addresses when its pods have filled the blocks that it has, %d of a family at most, and announces each. A pod that finds no address there waits: none is borrowed of another node's block. Nodes take no route: what is for a pod elsewhere goes to the default gateway, also inside a rack.", c.MaxBlocks))
	m.Text("Relied upon, and not printed, because whoever installs Calico owns it: BGP is on (`spec.calicoNetwork.bgp: Enabled` of the Installation `default`), the API server of Calico runs, its pods are in " + code(c.Namespace) + ", and these are its pools:")
	m.Head("IPPool", "blockSize", "ipipMode", "vxlanMode", "natOutgoing", "disableBGPExport")
	for _, r := range c.Ranges {
		m.Row(code(r.Prefix.String()), number(r.Bits), code("Never"), code("Never"), code("true"), code("false"))
	}
	for i := range c.Elsewhere {
		e := &c.Elsewhere[i]
		m.Text("IPPool " + code(e.Name) + " is printed here: " + code(e.Network.String()) + " is of pods at site " + code(e.Site) + ", and Calico leaves the addresses of pods as they are on the way there because it knows the network. It is disabled: nobody gets an address out of it.")
	}
	m.Text("A pool keeps its block size: another one takes another pool. Borrowed addresses of a time before this output show " + code("calicoctl ipam show --show-borrowed") + "; their pods are reached in their own rack at best, until they are made anew.")
	m.Commands("kubectl get ippools.projectcalico.org -o custom-columns=POOL:.spec.cidr,BLOCKS:.spec.blockSize,IPIP:.spec.ipipMode,VXLAN:.spec.vxlanMode,NAT:.spec.natOutgoing,UNANNOUNCED:.spec.disableBGPExport")
}
