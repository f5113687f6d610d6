import { Button, createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

// Mantine wants ten shades; the page uses its own variables (tokens.css), so the shades only fill the gaps between action and ground.
const action: MantineColorsTuple = ['#E8F1FA', '#CFE2F4', '#A9CBEB', '#7DB8F5', '#4E97DA', '#2A7AC4', '#0B5CAD', '#0A539C', '#084584', '#06366A'];

export const theme = createTheme({
    fontFamily: "'Atkinson Hyperlegible Next', system-ui, sans-serif",
    fontFamilyMonospace: "'Atkinson Hyperlegible Mono', ui-monospace, monospace",
    colors: { action },
    primaryColor: 'action',
    primaryShade: { light: 6, dark: 3 },
    defaultRadius: 6,
    fontSizes: { xs: '14px', sm: '14px', md: '16px', lg: '20px', xl: '24px' },
    spacing: { xs: '8px', sm: '12px', md: '16px', lg: '24px', xl: '32px' },
    cursorType: 'pointer',
    respectReducedMotion: true,
    focusRing: 'auto',
    activeClassName: '',
    components: {
        Button: Button.extend({
            vars: (_, { variant = 'filled' }) => ({ root: variant === 'filled' ? { '--button-color': 'var(--on-action)' } : {} }),
        }),
    },
});

/** Mantine's own variables, said in the page's colours. */
export const variables: CSSVariablesResolver = () => {
    const shared = {
        '--mantine-color-body': 'var(--ground)',
        '--mantine-color-text': 'var(--text)',
        '--mantine-color-dimmed': 'var(--muted)',
        '--mantine-color-placeholder': 'var(--muted)',
        '--mantine-color-anchor': 'var(--action)',
        '--mantine-color-error': 'var(--text)',
        '--mantine-color-default': 'var(--ground)',
        '--mantine-color-default-hover': 'var(--panel)',
        '--mantine-color-default-color': 'var(--text)',
        '--mantine-color-default-border': 'var(--line)',
        '--mantine-color-disabled': 'var(--panel)',
        '--mantine-color-disabled-color': 'var(--muted)',
        '--mantine-color-disabled-border': 'var(--hair)',
        '--mantine-primary-color-filled': 'var(--action)',
        '--mantine-primary-color-filled-hover': 'var(--action-strong)',
        '--mantine-color-action-filled': 'var(--action)',
        '--mantine-color-action-filled-hover': 'var(--action-strong)',
        '--mantine-primary-color-contrast': 'var(--on-action)',
    };
    return { variables: {}, light: shared, dark: shared };
};
