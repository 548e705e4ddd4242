package verify

import (
	"slices"
	"testing"
)

// Lists of peers as kube-vip's own parser takes them (pkg/kubevip/config_bgp.go), and those that it takes and gets wrong.
func TestKubeVIPPeers(t *testing.T) {
	got, err := kubeVIPPeers("192.0.2.2:65011:$(MESHGEN_BGP_PASSWORD):false:179::true;300000;200000;3,[2001:db8::2]:4200000011::false")
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if p := got[0]; p.address != "192.0.2.2" || p.asn != 65011 || p.secret == "" || p.multihop || p.bfd == nil || *p.bfd != (bfdTimers{200, 300, 3, 0}) {
		t.Errorf("%+v, BFD %v", p, p.bfd)
	}
	if p := got[1]; p.address != "2001:db8::2" || p.asn != 4200000011 || p.secret != "" || p.bfd != nil {
		t.Errorf("%+v", p)
	}
	for _, bad := range []string{
		"",
		"192.0.2.2:65011",
		"192.0.2.2:0::false",
		"192.0.2.2:65011:geheim:false",
		"192.0.2.2:65011::no",
		"192.0.2.2:65011::false:1179", // kube-vip connects to 179 all the same
		"192.0.2.2:65011::false:179::true;300;300;3", // 0.3 ms
		"192.0.2.2:65011::false:179::true;300000;300000",
		"[2001:db8::2:65011::false",
		"192.0.2.2:65011::false,",
	} {
		if got, err := kubeVIPPeers(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestKubeVIPPools(t *testing.T) {
	o := newLBObjects()
	names := o.kubeVIPPools("kube-vip-r1", "a: 192.0.2.0/28; b: 198.51.100.1-198.51.100.3 2001:db8::/120", "f", 1)
	if !slices.Equal(names, []string{"kube-vip-r1/a", "kube-vip-r1/b"}) || len(o.pools[names[1]].addresses) != 2 {
		t.Error(names, o.pools)
	}
}
