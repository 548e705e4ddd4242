package frr

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const sonicName = "sonic" // of the operating system in the site

// SONiC writes the files of switches that run SONiC, whose BGP is FRR in a container: the same text as for FRR, and
// what the rest of the switch has to know, as entries of CONFIG_DB.
//
// The container keeps frr.conf as it is in the mode "split-unified" only: "split" has a file for each daemon, and
// "unified" writes the file anew from CONFIG_DB at each start. It starts bfdd where frr_mgmt_framework_config is set, and
// not otherwise (sonic-buildimage, dockers/docker-fpm-frr: docker_init.sh, supervisord.conf.j2).
var SONiC = backend.Backend{
	Name: sonicName,
	Kind: "switch",
	Doc:  "BGP sessions, filters and BFD of each SONiC switch, and the entries of CONFIG_DB that they need",
	Emit: emitSONiC,
}

func emitSONiC(p *ir.Plan, t *artifact.Tree) {
	for i := range p.Switches {
		if sw := &p.Switches[i]; sw.OS == sonicName {
			w := writer{backend.NewSwitchFile(p, t, sw, "sonic")}
			w.write(loadingSONiC(sw.Hostname))
			configDB(p, t, sw, w.Groups)
		}
	}
}

// loadingSONiC says how the part gets into the switch.
func loadingSONiC(host string) []string {
	return []string{
		"Load " + host + ".sonic.json first (config load, config save): it sets the mode in which the container of BGP keeps",
		"frr.conf. A change of the mode counts when the container starts again, which ends its sessions.",
		"This is the site's part of /etc/sonic/frr/frr.conf. Append it to the parts that others own, those of the container",
		"(fpm) among them, and load the whole inside the container with frr-reload.py --reload, which also removes what stands",
		"here no longer; vtysh -f would only add.",
	}
}

// configDB writes the entries of CONFIG_DB: the mode, a link-local address for each port of an unnumbered link, and the
// access lists of the uplinks.
func configDB(p *ir.Plan, t *artifact.Tree, sw *ir.Switch, groups []ir.PeerGroup) {
	f := t.File("fabric/"+p.Name+"/"+sw.Hostname+".sonic.json", sw.From...)
	f.Begin(sw.From...)
	f.Line("{")
	f.Line(`  "DEVICE_METADATA": {`)
	f.Line(`    "localhost": {`)
	mode := `      "docker_routing_config_mode": "split-unified"`
	var bfd, links ir.From
	var ports []ir.Neighbor
	for _, g := range groups {
		if g.BFD != nil {
			bfd = append(bfd, g.From.Of("bfd")...)
		}
		if g.Unnumbered {
			ports = append(ports, g.Neighbors...)
			links = append(links, g.From...)
		}
	}
	if len(bfd) > 0 {
		f.From("", bfd...)
		f.Line(mode + ",")
		f.Line(`      "frr_mgmt_framework_config": "true"`)
		f.Fixed()
	} else {
		f.Line(mode)
	}
	f.Line(`    }`)
	sections := aclSections(sw)
	if len(ports) > 0 {
		s := section{name: "INTERFACE", from: links}
		for i := range ports {
			s.rows = append(s.rows, row{ports[i].From, fmt.Sprintf(`"%s": {"ipv6_use_link_local_only": "enable"}`, ports[i].Port())})
		}
		sections = append([]section{s}, sections...)
	}
	if sw.ACL != nil {
		links = append(links, sw.ACL.From...)
	}
	f.Begin(append(links, sw.From...)...)
	f.Line(`  }` + comma(len(sections) > 0))
	for i := range sections {
		sections[i].write(f, sw, i < len(sections)-1)
	}
	f.Line("}")
}
