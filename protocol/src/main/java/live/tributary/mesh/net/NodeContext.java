package live.tributary.mesh.net;

import live.tributary.protocol.stream.SigningKey;

/** What all streams and links of one node share. */
record NodeContext(
        MeshNodeConfig config,
        MeshParts parts,
        AddressPolicy policy,
        OwnEndpoints own,
        Bans bans,
        Checks checks,
        MeshTallies tallies) {
    SigningKey key() {
        return config.key();
    }

    UploadBudget budget() {
        return parts.budget();
    }
}
