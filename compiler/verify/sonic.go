package verify

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A configDB is the part of a SONiC switch's CONFIG_DB that BGP needs, and the access lists of its uplinks. Sources: sonic-net/sonic-buildimage, src/
// sonic-yang-models (sonic-device_metadata.yang, sonic-interface.yang), dockers/docker-fpm-frr (docker_init.sh,
// supervisord.conf.j2).
type configDB struct {
	Metadata struct {
		Localhost struct {
			Mode string `json:"docker_routing_config_mode"`
			// bfdd, which the container of BGP starts under it only. The value is a text.
			Framework string `json:"frr_mgmt_framework_config"`
		} `json:"localhost"`
	} `json:"DEVICE_METADATA"`
	Interfaces map[string]struct {
		LinkLocal string `json:"ipv6_use_link_local_only"`
	} `json:"INTERFACE"`
	Tables map[string]aclTable `json:"ACL_TABLE"`
	Rules  map[string]aclRule  `json:"ACL_RULE"`
}

// parseSONiC reads a SONiC switch file: the language is FRR's.
func parseSONiC(path, site, hostname string, data []byte) (*switchConf, faults) {
	return parseFRR(path, site, hostname, data)
}

// checkConfigDBFile holds the entries of CONFIG_DB against the text for FRR beside them.
func checkConfigDBFile(f *artifact.File, p *pass) {
	var db configDB
	dec := json.NewDecoder(bytes.NewReader(f.Bytes()))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&db); err != nil {
		p.report(f, 0, ruleSONiC, "not entries of CONFIG_DB: %v", err)
		return
	}
	if _, err := dec.Token(); err != io.EOF {
		p.report(f, 0, ruleSONiC, "text behind the entries")
	}
	if mode := db.Metadata.Localhost.Mode; mode != "split-unified" {
		p.report(f, 0, ruleSONiC, "in mode %q the container of BGP does not keep frr.conf", mode)
	}
	beside := p.tree.Lookup(strings.TrimSuffix(f.Path(), ".json"))
	if beside == nil {
		p.report(f, 0, ruleSONiC, "no text for FRR beside it")
		return
	}
	site, hostname, _, _ := fabricFile(beside.Path())
	c, _ := parseSONiC(beside.Path(), site, hostname, beside.Bytes())
	ports := map[string]bool{}
	bfd := false
	for _, peer := range c.peers {
		bfd = bfd || peer.bfd
		if peer.isPort() {
			ports[peer.name] = true
		}
	}
	switch framework := db.Metadata.Localhost.Framework; {
	case bfd && framework != "true":
		p.report(f, 0, ruleSONiC, "sessions use BFD, and without frr_mgmt_framework_config \"true\" nothing runs it")
	case !bfd && framework != "":
		p.report(f, 0, ruleSONiC, "frr_mgmt_framework_config %q, and no session uses BFD", framework)
	}
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		if db.Interfaces[port].LinkLocal != "enable" {
			p.report(f, 0, ruleSONiC, "%s has an unnumbered session and no link-local address", port)
		}
	}
	for _, port := range slices.Sorted(maps.Keys(db.Interfaces)) {
		if !ports[port] {
			p.report(f, 0, ruleSONiC, "%s has no unnumbered session", port)
		}
	}
}
