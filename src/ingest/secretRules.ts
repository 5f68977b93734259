/** One kind of secret: what it is called in its place, and how it looks. */
export interface SecretRule {
  name: string;
  /**
   * Begins with a fixed text and repeats only single classes of characters with a bound, so that it takes time in
   * proportion to the text. A group named `secret` is the part to replace; without one, all of it is.
   */
  pattern: RegExp;
  /** Short texts of which one must occur before the pattern is tried. */
  hints: readonly string[];
  /** Replaces only what looks random: names and examples of code stay. */
  random?: true;
}

/** More than any rule matches at once, in UTF-16 code units. */
export const LONGEST_SECRET = 20_480;

/** Raised when the rules change: what was stored under older ones is then looked through again. */
export const RULES_VERSION = 1;

/**
 * Tokens whose form their issuers have published, and values that their names call secret. Prefixed tokens come first,
 * so that they are named by their issuer.
 */
export const secretRules: readonly SecretRule[] = [
  {
    name: 'private-key',
    hints: ['PRIVATE KEY'],
    pattern: /-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\\\s:,.-]{0,20000}/g,
  },
  {
    name: 'aws-access-key',
    hints: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
    pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g,
  },
  {
    name: 'github-token',
    hints: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'],
    pattern: /\bgh[pousr]_[A-Za-z0-9]{36,255}/g,
  },
  { name: 'github-token', hints: ['github_pat_'], pattern: /\bgithub_pat_[A-Za-z0-9_]{22,255}/g },
  {
    name: 'gitlab-token',
    hints: ['glpat-', 'glptt-', 'glrt-', 'gldt-', 'glcbt-', 'glft-', 'glsoat-', 'glimt-', 'glagent-'],
    pattern: /\bgl(?:pat|ptt|rt|dt|cbt|ft|soat|imt|agent)-[A-Za-z0-9_-]{20,255}/g,
  },
  { name: 'anthropic-key', hints: ['sk-ant-'], pattern: /\bsk-ant-[A-Za-z0-9_-]{20,255}/g },
  { name: 'openai-key', hints: ['sk-'], pattern: /\bsk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,255}/g },
  { name: 'openai-key', hints: ['sk-'], pattern: /\bsk-[A-Za-z0-9]{32,64}\b/g },
  { name: 'openrouter-key', hints: ['sk-or-'], pattern: /\bsk-or-v1-[A-Za-z0-9]{32,128}/g },
  { name: 'google-api-key', hints: ['AIza'], pattern: /\bAIza[A-Za-z0-9_-]{35}/g },
  { name: 'google-oauth-token', hints: ['ya29.'], pattern: /\bya29\.[A-Za-z0-9_-]{20,1024}/g },
  { name: 'google-oauth-secret', hints: ['GOCSPX-'], pattern: /\bGOCSPX-[A-Za-z0-9_-]{28}/g },
  { name: 'slack-token', hints: ['xox', 'xapp'], pattern: /\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}/g },
  {
    name: 'slack-webhook',
    hints: ['hooks.slack.com'],
    pattern: /\bhooks\.slack\.com\/(?:services|workflows)\/(?<secret>[A-Za-z0-9/_-]{20,255})/g,
  },
  {
    name: 'discord-webhook',
    hints: ['/api/webhooks/'],
    pattern: /\bdiscord(?:app)?\.com\/api\/webhooks\/(?<secret>\d{15,25}\/[A-Za-z0-9_-]{40,128})/g,
  },
  { name: 'stripe-key', hints: ['_live_', '_test_'], pattern: /\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,255}/g },
  { name: 'webhook-secret', hints: ['whsec_'], pattern: /\bwhsec_[A-Za-z0-9+/=]{24,128}/g },
  { name: 'npm-token', hints: ['npm_'], pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { name: 'pypi-token', hints: ['pypi-'], pattern: /\bpypi-[A-Za-z0-9_-]{50,512}/g },
  { name: 'docker-token', hints: ['dckr_'], pattern: /\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,128}/g },
  { name: 'hugging-face-token', hints: ['hf_'], pattern: /\bhf_[A-Za-z0-9]{30,64}\b/g },
  { name: 'sendgrid-key', hints: ['SG.'], pattern: /\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}/g },
  { name: 'twilio-key', hints: ['SK'], pattern: /\bSK[0-9a-f]{32}\b/g },
  { name: 'mailgun-key', hints: ['key-'], pattern: /\bkey-[0-9a-f]{32}\b/g },
  { name: 'digitalocean-token', hints: ['doo_v1_', 'dop_v1_', 'dor_v1_'], pattern: /\bdo[opr]_v1_[0-9a-f]{64}\b/g },
  {
    name: 'shopify-token',
    hints: ['shpat_', 'shpca_', 'shppa_', 'shpss_'],
    pattern: /\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b/g,
  },
  { name: 'telegram-token', hints: [':AA'], pattern: /\b\d{8,10}:AA[A-Za-z0-9_-]{32,34}\b/g },
  { name: 'databricks-token', hints: ['dapi'], pattern: /\bdapi[0-9a-f]{32}\b/g },
  { name: 'atlassian-token', hints: ['ATATT3'], pattern: /\bATATT3[A-Za-z0-9_=-]{60,512}/g },
  { name: 'age-key', hints: ['AGE-SECRET-KEY-1'], pattern: /\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b/g },
  { name: 'azure-storage-key', hints: ['AccountKey='], pattern: /\bAccountKey=(?<secret>[A-Za-z0-9+/=]{40,120})/g },
  {
    name: 'json-web-token',
    hints: ['eyJ'],
    pattern: /\beyJ[A-Za-z0-9_-]{10,4096}\.eyJ[A-Za-z0-9_-]{10,8192}\.[A-Za-z0-9_-]{10,4096}/g,
  },
  { name: 'password-in-url', hints: ['://'], pattern: /:\/\/[^\s:/@"'<>]{0,128}:(?<secret>[^\s/@"'<>]{3,256})@/g },
  {
    name: 'authorization',
    hints: ['earer ', 'asic '],
    pattern: /\b(?:[Bb]earer|[Bb]asic) (?<secret>[A-Za-z0-9+/_.=-]{20,4096})/g,
    random: true,
  },
  {
    name: 'secret',
    hints: [
      'ecret',
      'SECRET',
      'oken',
      'TOKEN',
      'assw',
      'ASSW',
      'pi_key',
      'PI_KEY',
      'piKey',
      'pi-key',
      'rivate',
      'RIVATE',
    ],
    pattern:
      /(?:[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Pp]assw(?:or)?d|PASSW(?:OR)?D|[Aa]pi[_-]?[Kk]ey|API_KEY|[Pp]rivate[_-]?[Kk]ey|PRIVATE_KEY)[A-Za-z0-9_]{0,32}\\?["']?[ \t]{0,4}(?:=|:|=>)[ \t]{0,4}\\?["']?(?<secret>[A-Za-z0-9+/_.~=!@#$%^&*-]{12,512})/g,
    random: true,
  },
];
