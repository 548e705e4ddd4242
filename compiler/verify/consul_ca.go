package verify

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What Consul's servers hold an authority to (hashicorp/consul v1.22.0 agent/structs/connect_ca.go CommonCAProviderConfig.Validate,
// agent/connect/ca/provider_vault.go ParseVaultCAConfig; read 2026-11-21).
const (
	consulShortestLeaf = time.Hour
	consulLongestLeaf  = 365 * 24 * time.Hour
	consulLongestRoot  = 87600 * time.Hour // what it takes a root for where it is told nothing
	consulLeafShare    = 3                 // lives of a leaf in that of an intermediate
)

// consulServerFiles is where the chart mounts further volumes into the servers, each under its name.
const consulServerFiles = "/consul/userconfig/"

// consulConfig is what may stand in server.extraConfig: who signs, and nothing else.
type consulConfig struct {
	Connect struct {
		Provider string `json:"ca_provider"`
		Config   struct {
			Address         string
			Namespace       string
			CAFile          string `json:"ca_file"`
			Root            string `json:"root_pki_path"`
			Intermediate    string `json:"intermediate_pki_path"`
			LeafTTL         string `json:"leaf_cert_ttl"`
			IntermediateTTL string `json:"intermediate_cert_ttl"`
			Auth            *struct {
				Type   string
				Mount  string `json:"mount_path"`
				Params struct{ Role string }
			} `json:"auth_method"`
		} `json:"ca_config"`
	}
}

// consulVolumes are the Secrets that the servers mount besides those that the chart has values for.
func consulVolumes(v *values) []SecretRef {
	var out []SecretRef
	for _, volume := range list(v.value, "server", "extraVolumes") {
		if str(volume, "type") != "secret" {
			continue
		}
		ref := SecretRef{Name: str(volume, "name")}
		for _, item := range list(volume, "items") {
			ref.Keys = append(ref.Keys, str(item, "key"))
		}
		out = append(out, ref)
	}
	return out
}

// checkConsulCA: the servers start with what they are told of their authority, find the file by which they know Vault, and
// nobody reads a token of it in the tree.
func (p *pass) checkConsulCA(v *values) {
	at := fieldPath{"server", "extraConfig"}
	text := str(v.value, "server", "extraConfig")
	if text == "" {
		if p.releases.VaultCA {
			v.report(p, ruleConsul, at, "the servers would make a root of their own: nothing names Vault")
		}
		if len(list(v.value, "server", "extraVolumes")) > 0 {
			v.report(p, ruleConsul, fieldPath{"server", "extraVolumes"}, "nothing reads them")
		}
		return
	}
	var c consulConfig
	d := json.NewDecoder(bytes.NewBufferString(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		v.report(p, ruleConsul, at, "%v", err)
		return
	}
	if strings.Contains(text, "{{") {
		v.report(p, ruleConsul, at, "the chart takes it for a template")
	}
	cfg := &c.Connect.Config
	leaf, err := time.ParseDuration(cfg.LeafTTL)
	if err != nil || leaf < consulShortestLeaf || leaf > consulLongestLeaf {
		v.report(p, ruleConsul, at, "leaf_cert_ttl %q: the servers refuse it", cfg.LeafTTL)
	}
	if want := map[bool]string{true: "vault", false: "consul"}[p.releases.VaultCA]; c.Connect.Provider != want {
		v.report(p, ruleConsul, at, "ca_provider %q: %s signs at this site", c.Connect.Provider, want)
		return
	}
	if c.Connect.Provider != "vault" {
		return
	}
	if life, err := time.ParseDuration(cfg.IntermediateTTL); err != nil || life < consulLeafShare*leaf || life > consulLongestRoot {
		v.report(p, ruleConsul, at, "intermediate_cert_ttl %q: the servers refuse what is no three times the life of a leaf, or more than that of a root", cfg.IntermediateTTL)
	}
	if u, err := url.Parse(cfg.Address); err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Path != "" {
		v.report(p, ruleConsul, at, "address %q is none that Vault answers at with a certificate", cfg.Address)
	}
	if cfg.Root == "" || cfg.Intermediate == "" || cfg.Root == cfg.Intermediate {
		v.report(p, ruleConsul, at, "the engines of root and intermediate are %q and %q: they must be two", cfg.Root, cfg.Intermediate)
	}
	if a := cfg.Auth; a == nil || a.Type != "kubernetes" || a.Mount == "" || a.Params.Role == "" {
		v.report(p, ruleConsul, at, "the servers have no way to log in: auth_method must be of type kubernetes, with a mount and a role")
	}
	p.checkConsulCAFile(v, cfg.CAFile)
}

// checkConsulCAFile: the file by which Vault is known is one that a volume has, and no volume is there for nothing.
func (p *pass) checkConsulCAFile(v *values, file string) {
	at := fieldPath{"server", "extraVolumes"}
	var files []string
	for _, volume := range list(v.value, at...) {
		if get(volume, "load") != false {
			v.report(p, ruleConsul, at, "the servers would read what is in it as their configuration")
		}
		for _, item := range list(volume, "items") {
			files = append(files, consulServerFiles+str(volume, "name")+"/"+str(item, "path"))
		}
	}
	switch {
	case file == "" && len(files) > 0:
		v.report(p, ruleConsul, at, "nothing reads %s", strings.Join(files, ", "))
	case file != "" && !slices.Contains(files, file):
		v.report(p, ruleConsul, fieldPath{"server", "extraConfig"}, "no volume has ca_file %s: the servers would not start", file)
	}
}
