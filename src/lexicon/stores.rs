//! Names that mean a store made for secrets.

/// Kubernetes objects that fill a cluster's secrets from a store, or hold them encrypted: those of External Secrets
/// (<https://external-secrets.io/latest/api/spec/>), of the Secrets Store CSI driver
/// (<https://secrets-store-csi-driver.sigs.k8s.io/concepts>), of Sealed Secrets, and of the operators of Vault,
/// 1Password and others.
pub const SECRET_STORE_OBJECTS: &[&str] = &[
    "ExternalSecret",
    "ClusterExternalSecret",
    "SecretStore",
    "ClusterSecretStore",
    "SealedSecret",
    "SopsSecret",
    "SecretProviderClass",
    "VaultAuth",
    "VaultStaticSecret",
    "VaultDynamicSecret",
    "VaultSecret",
    "VaultConnection",
    "OnePasswordItem",
    "InfisicalSecret",
    "DopplerSecret",
    "BitwardenSecret",
    "AzureKeyVaultSecret",
];
