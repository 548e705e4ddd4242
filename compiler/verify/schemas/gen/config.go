package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// configs are the configuration files of programs that Kubernetes describes by Go types alone.
var configs = []struct{ Path, Group, Version, Kind string }{
	{"k8s.io/kubelet/config/v1beta1", "kubelet.config.k8s.io", "v1beta1", "KubeletConfiguration"},
	{"k8s.io/kube-proxy/config/v1alpha1", "kubeproxy.config.k8s.io", "v1alpha1", "KubeProxyConfiguration"},
}

// readConfigs derives them from the staging modules of a Kubernetes release; version is theirs ("v0.35.2").
func readConfigs(version string, s *set) error {
	types := &structs{packages: map[string]*goPackage{}, doing: map[string]bool{}, module: func(path string) (string, error) {
		parts := strings.SplitN(path, "/", 3)
		if parts[0] != "k8s.io" || len(parts) < 3 {
			return "", fmt.Errorf("package %s is not of Kubernetes", path)
		}
		dir, err := module(parts[0]+"/"+parts[1], version)
		return filepath.Join(dir, parts[2]), err
	}}
	for _, c := range configs {
		schema, err := types.named(c.Path, c.Kind)
		if err != nil {
			return err
		}
		schema["type"] = "object"
		s.add(c.Group, c.Version, c.Kind, false, object(schema, c.Group+"/"+c.Version, c.Kind))
	}
	return nil
}
