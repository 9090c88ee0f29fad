package live.tributary.mesh.net;

import live.tributary.protocol.stream.SigningKey;

/**
 * What all streams and links of one node share.
 *
 * @param names looks host names up, apart from the checks: a name server may take its time
 */
record NodeContext(
        MeshNodeConfig config,
        MeshParts parts,
        AddressPolicy policy,
        OwnEndpoints own,
        Bans bans,
        Checks checks,
        Checks names,
        MeshTallies tallies) {
    SigningKey key() {
        return config.key();
    }

    UploadBudget budget() {
        return parts.budget();
    }
}
